"""What every run needs: generators from a seed, and a device."""

from __future__ import annotations

import random

import torch

from looped.errors import CompileError

__all__ = ["require_device", "seeded"]


def seeded(*seed: object) -> random.Random:
    """A generator for one purpose: `seeded(3, "batch", 17)`.

    Each step draws from a generator of its own, so that a run continues from any step.
    """
    return random.Random(" ".join(map(str, seed)))


def require_device(name: str) -> None:
    """Raise CompileError unless PyTorch can use the device."""
    try:
        torch.zeros(1, device=name)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0][:120]
        raise CompileError(
            f"PyTorch cannot use the device `{name}`: {reason}", hint="--device cpu"
        ) from None
