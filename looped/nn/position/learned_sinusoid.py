"""LSPE: a sinusoid through a small network."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from looped.nn.position.sinusoidal import SinusoidalCode

__all__ = ["LearnedSinusoid"]


class LearnedSinusoid(nn.Module):
    """`W₂ relu(W₁ sinusoid(p) + b₁) + b₂` (Wang et al. 2022, "A simple yet effective learnable
    positional encoding method").

    The sinusoid is taken at `p + offset` and rounded to multiples of 2^-`grid`, so that a network
    can be exact on it. `counter` makes the one that is BinaryCode to the bit.
    """

    def __init__(
        self,
        sinusoid: SinusoidalCode,
        hidden: int,
        width: int,
        grid: int = 20,
        offset: float = 0.0,
    ) -> None:
        super().__init__()
        self.sinusoid, self.grid, self.offset = sinusoid, grid, offset
        self.inner = nn.Linear(2 * len(sinusoid.omega), hidden)
        self.outer = nn.Linear(hidden, width)

    @classmethod
    def counter(cls, bits: int) -> LearnedSinusoid:
        """The network that gives the bits of a position below 2^bits.

        Bit j is 1 iff `x = sin(π (p + ½) / 2^j) < 0`, and |x| ≥ sin(π / 2^bits). With s =
        2^(bits - 1), two units, `relu(1 - s·x) - relu(-1 - s·x) - 1`, are 1 or -1. x is a multiple
        of 2^-(bits + 2), so each sum is one of 2^-3, at most 2^bits in size: exact in float32.
        """
        omega = math.pi / 2.0 ** torch.arange(bits, dtype=torch.float64)
        made = cls(SinusoidalCode(2 * bits, omega), 2 * bits, bits, grid=bits + 2, offset=0.5)
        lanes = torch.eye(bits).repeat(2, 1)  # (2·bits, bits), one half for each kind of unit
        with torch.no_grad():
            made.inner.weight.copy_(torch.cat([-(2.0 ** (bits - 1)) * lanes, 0 * lanes], 1))
            made.inner.bias.copy_(torch.tensor([1.0, -1.0]).repeat_interleave(bits))
            made.outer.weight.copy_(torch.cat([torch.eye(bits), -torch.eye(bits)], 1))
            made.outer.bias.fill_(-1.0)
        return made

    def forward(self, positions: Tensor) -> Tensor:
        """Map integers (...) to codes (..., width)."""
        steps = 2.0**self.grid
        code = (self.sinusoid(positions + self.offset) * steps).round() / steps  # (..., 2·K)
        result: Tensor = self.outer(self.inner(code).relu())
        return result
