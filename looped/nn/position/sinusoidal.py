"""Sinusoidal positions: a position as the angles of some clock hands."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["SinusoidalCode", "frequencies"]


def frequencies(width: int, base: float = 10_000.0) -> Tensor:
    """ω_k = base^(-2k / width), (width / 2,), in float64 (Vaswani et al. 2017, 3.5)."""
    return base ** -(torch.arange(0, width, 2, dtype=torch.float64) / width)


class SinusoidalCode(nn.Module):
    """`[sin(p ω_k) …, cos(p ω_k) …]`, by default with the frequencies of the first transformer.

    The next position is a rotation away: `code(p + 1) = code(p) @ successor`. Neighbours are the
    nearest codes, so the gap of scores does not depend on the number of positions. `scale` 0 makes
    it NoCode.
    """

    omega: Tensor

    def __init__(self, width: int, omega: Tensor | None = None, scale: float = 1.0) -> None:
        super().__init__()
        self.register_buffer("omega", frequencies(width) if omega is None else omega.double())
        self.scale = scale

    def forward(self, positions: Tensor) -> Tensor:
        """Map integers or fractions (...) to codes (..., 2·K), K the number of frequencies."""
        angles = positions[..., None].double() * self.omega  # (..., K)
        code = self.scale * torch.cat([angles.sin(), angles.cos()], -1)  # (..., 2·K)
        return code.to(torch.get_default_dtype())

    def successor(self) -> Tensor:
        """The rotation by one position (2·K, 2·K), for codes as rows."""
        sin, cos = self.omega.sin().diag(), self.omega.cos().diag()
        rows = torch.cat([torch.cat([cos, -sin], 1), torch.cat([sin, cos], 1)])
        return rows.to(torch.get_default_dtype())
