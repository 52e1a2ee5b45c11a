"""Seeds and threads: on one number of threads, a seed determines every number of a run."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from looped.errors import CompileError

__all__ = ["on_threads", "require_device", "seeded"]


def seeded(*seed: object) -> random.Random:
    """A generator for one purpose: `seeded(3, "batch", 17)`.

    Each step draws from a generator of its own, so that a run continues from any step.
    """
    return random.Random(" ".join(map(str, seed)))


@contextmanager
def on_threads(count: int) -> Iterator[None]:
    """Run PyTorch on so many threads: their number decides the order of sums."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def require_device(name: str) -> None:
    """Raise CompileError unless PyTorch can use the device."""
    try:
        torch.zeros(1, device=name)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0][:120]
        raise CompileError(
            f"PyTorch cannot use the device `{name}`: {reason}", hint="--device cpu"
        ) from None
