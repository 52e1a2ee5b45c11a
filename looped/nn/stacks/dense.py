"""DenseFormer: every block reads a weighted sum of all that were made before it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from looped.nn.block import Block
from looped.nn.hooks import Tap
from looped.nn.model import Transformer

__all__ = ["DenseTransformer"]


class DenseTransformer(Transformer):
    """`X_{i+1} = Σ_j α_ij Y_j`, Y_0 the input, Y_j what block j - 1 made of X_{j-1} (Pagliardini et
    al. 2024).

    `alpha[i]` has i + 2 weights, for Y_0 … Y_{i+1}, and is used after block i if i + 1 is a
    multiple of `period`; with a `dilation` k only those j count for which i + 1 - j is a multiple
    of k. At first all weight is on the latest block: it is the core's stack to the bit.
    """

    def __init__(
        self, blocks: Sequence[Block], norm: nn.Module, dilation: int = 1, period: int = 1
    ) -> None:
        super().__init__(blocks, norm)
        self.dilation, self.period = dilation, period
        counts = range(2, len(blocks) + 2)
        self.alpha = nn.ParameterList(
            torch.zeros(len(range((n - 1) % dilation, n, dilation))) for n in counts
        )
        with torch.no_grad():
            for weights in self.alpha:
                weights[-1] = 1.0

    def forward(
        self,
        x: Tensor,
        context: Tensor | None = None,
        mask: Tensor | None = None,
        tap: Tap | None = None,
    ) -> Tensor:
        """Map `x` (B, N, d_model) to (B, N, d_model)."""
        tap = tap or self.tap
        made = [x]  # Y_0 … Y_i, each (B, N, d_model)
        for i, block in enumerate(self.layers):
            made.append(block(x, context, mask, tap and tap.within(f"blocks.{i}")))
            x = made[-1]
            if (i + 1) % self.period == 0:
                kept = made[(i + 1) % self.dilation :: self.dilation]
                terms = [a * y for a, y in zip(self.alpha[i], kept, strict=True)]
                x = torch.stack(terms).sum(0)  # (B, N, d_model)
        result: Tensor = self.norm(x)
        return result
