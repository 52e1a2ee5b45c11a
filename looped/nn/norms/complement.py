"""Complementary lanes: a residual stream on which LayerNorm changes nothing.

LayerNorm subtracts the mean, so a column of ±1 has to have mean 0. In a stream `[x, -x]` each
column has: every lane carries its complement with it. The weights follow: what reads, reads the
first half; what writes, writes its negative to the second.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

__all__ = ["complement", "complemented"]

_READS = ("q_proj", "k_proj", "v_proj", "gate_proj", "up_proj")
_WRITES = ("o_proj", "down_proj")


def complement(x: Tensor) -> Tensor:
    """The stream `[x, -x]` (..., 2·d) of a stream `x` (..., d)."""
    return torch.cat([x, -x], -1)


def complemented(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights of a stack on `[x, -x]` that does what the stack of these weights does on `x`.

    Names are those of `Transformer`. Gains of norms are left out: the norms are other ones.
    """
    made: dict[str, Tensor] = {}
    for name, weight in weights.items():
        part = name.removesuffix(".weight").rpartition(".")[2]
        if part in _READS:
            made[name] = torch.cat([weight, torch.zeros_like(weight)], 1)
        elif part in _WRITES:
            made[name] = torch.cat([weight, -weight], 0)
    return made
