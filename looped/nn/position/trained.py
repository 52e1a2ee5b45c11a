"""Trained positions: a vector a position."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["TrainedCode"]


class TrainedCode(nn.Module):
    """A table (count, width), as in GPT-2 (Radford et al. 2019); none for positions beyond it.

    `from_code` fills it with another code; it equals that code then, until it is trained.
    """

    def __init__(self, count: int, width: int) -> None:
        super().__init__()
        self.table = nn.Embedding(count, width)

    @classmethod
    def from_code(cls, code: nn.Module, count: int) -> TrainedCode:
        """A table of the first `count` positions of a code."""
        with torch.no_grad():
            values: Tensor = code(torch.arange(count))
        made = cls(count, values.shape[1])
        made.table.weight.data = values.clone()
        return made

    def forward(self, positions: Tensor) -> Tensor:
        """Map integers (...) to codes (..., width)."""
        codes: Tensor = self.table(positions)
        return codes
