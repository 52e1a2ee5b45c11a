"""Rotary: rotates queries and keys, so that their product depends on how far they are apart."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["Rotary"]


class Rotary(nn.Module):
    """RoPE (Su et al. 2021): lanes k and k + d_head/2 turn by `p · base^(-2k/d_head)` at p.

    The pairs are those of Llama. At position 0 nothing turns: with all positions 0 it is the core.
    """

    def __init__(self, d_head: int, base: float = 10_000.0) -> None:
        super().__init__()
        self.d_head, self.base = d_head, base

    def forward(self, x: Tensor, positions: Tensor) -> Tensor:
        """Rotate `x` (..., N, d_head) by its `positions` (N,), or (1,) for all."""
        exponents = torch.arange(0, self.d_head, 2, device=x.device) / self.d_head
        angles = positions[:, None] * self.base**-exponents  # (N, d_head / 2)
        angles = torch.cat([angles, angles], -1)  # (N, d_head)
        left, right = x.chunk(2, -1)
        turned = torch.cat([-right, left], -1)  # (..., N, d_head)
        return x * angles.cos().to(x.dtype) + turned * angles.sin().to(x.dtype)
