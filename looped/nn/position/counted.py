"""Positions that columns count by themselves: a causal mask is enough."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from looped.nn.attention import Attention

__all__ = ["CountedCode"]


class CountedCode(nn.Module):
    """The position of a column, from a causal mask and a flag on the first column.

    A causal head with Q = 0 averages the flag: t = 1 / (p + 1). Unit j is 1 iff `t (j + ½) < 1`,
    which is j ≤ p: two ReLU units on a slope of 2·count. The sum of all is p + 1, less than 1e-3
    away from it in float32 for a `count` of up to 8,192. Nothing is trained.
    """

    def __init__(self, count: int) -> None:
        super().__init__()
        self.head = Attention(1, 1, 1).requires_grad_(False)
        for part in (self.head.q_proj, self.head.k_proj):
            nn.init.zeros_(part.weight)
        for part in (self.head.v_proj, self.head.o_proj):
            nn.init.ones_(part.weight)
        slope = 2.0 * count
        self.steps = nn.Linear(1, 2 * count).requires_grad_(False)
        with torch.no_grad():
            rate = (torch.arange(1, count + 1) - 0.5) * -slope
            self.steps.weight.copy_(rate.repeat(2)[:, None])
            self.steps.bias.copy_(torch.tensor([slope, slope - 1]).repeat_interleave(count))

    def forward(self, flag: Tensor) -> Tensor:
        """Map a flag (B, N, 1), 1 in the first column and 0 in the others, to p (B, N)."""
        n = flag.shape[1]
        inverse = self.head(flag, mask=torch.ones(n, n, dtype=torch.bool).tril())  # (B, N, 1)
        first, second = self.steps(inverse).relu().chunk(2, -1)  # (B, N, count)
        total: Tensor = (first - second).sum(-1) - 1
        return total
