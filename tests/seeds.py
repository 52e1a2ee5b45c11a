"""Seeds of random tests: the same in every run of `make test`, new ones in `make test-all`.

A test asks for a source of random numbers by a key of its own. As long as `begin` is not called,
the key is the seed; after it, key and seed of the session are.
"""

from __future__ import annotations

import random

import numpy as np

__all__ = ["begin", "generator", "number", "rng"]

_session: str | None = None


def begin(seed: str) -> None:
    """Let every source of random numbers depend on a seed of this session."""
    global _session
    _session = seed


def rng(key: int | str | None) -> random.Random:
    """Random numbers of Python, for a key."""
    return random.Random(str(key) if key is None else key if _session is None else _mixed(key))


def generator(key: int) -> np.random.Generator:
    """Random numbers of NumPy, for a key."""
    return np.random.default_rng(number(key))


def number(key: int) -> int:
    """A seed for whatever takes one, for a key."""
    return key if _session is None else rng(key).getrandbits(32)


def _mixed(key: int | str) -> str:
    return f"{_session} {key}"
