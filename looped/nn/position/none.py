"""No positions."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["NoCode"]


class NoCode(nn.Module):
    """Zeros. A model with a causal mask learns positions without codes (Haviv et al. 2022, NoPos).
    A stream to which it is added is the stream."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width

    def forward(self, positions: Tensor) -> Tensor:
        """Map integers (...) to codes (..., width)."""
        return torch.zeros(*positions.shape, self.width, device=positions.device)
