"""The transformer of a plan, without its weights."""

from __future__ import annotations

from torch import nn

from looped.nn import Attention, Block, GatedMLP, Transformer
from looped.nn.snap import UNITS_A_LANE, SnapBlock

__all__ = ["snapped"]


def snapped(
    width: int, n_blocks: int, n_heads: int, d_head: int, d_ff: int, lanes: int
) -> Transformer:
    """Untrained blocks with snaps for so many lanes, RMSNorm without an epsilon."""

    def norm() -> nn.Module:
        return nn.RMSNorm(width, eps=0.0)

    def block() -> Block:
        attention = Attention(width, n_heads, d_head)
        snap = GatedMLP(width, UNITS_A_LANE * lanes)
        return SnapBlock(norm(), attention, norm(), GatedMLP(width, d_ff), snap)

    return Transformer([block() for _ in range(n_blocks)], norm())
