"""Phases of a loop and lanes of the residual stream, as numbers that cannot be confused."""

from __future__ import annotations

from typing import NewType

__all__ = ["LaneIndex", "Phase", "after_attention", "after_mlp", "before_attention"]

Phase = NewType("Phase", int)
"""The attention (2k) or the MLP (2k + 1) of block k; -1 is before the first."""

LaneIndex = NewType("LaneIndex", int)
"""A lane of the residual stream, by number."""


def before_attention(block: int) -> Phase:
    """The phase that comes before the attention of a block."""
    return Phase(2 * block - 1)


def after_attention(block: int) -> Phase:
    """The attention of a block."""
    return Phase(2 * block)


def after_mlp(block: int) -> Phase:
    """The MLP of a block."""
    return Phase(2 * block + 1)
