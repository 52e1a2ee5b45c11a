"""Binary positions: the address codes of compiled machines."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["BinaryCode"]


class BinaryCode(nn.Module):
    """The bits of a position as ±1, least significant first. Nothing is trained.

    Two codes score `bits` if they are equal, else at most `bits - 2`: the gap is 2 at any length.
    """

    def __init__(self, bits: int) -> None:
        super().__init__()
        self.bits = bits

    def forward(self, positions: Tensor) -> Tensor:
        """Map integers (...) to codes (..., bits)."""
        places = torch.arange(self.bits, device=positions.device)
        return ((positions[..., None] >> places & 1) * 2 - 1).to(torch.get_default_dtype())
