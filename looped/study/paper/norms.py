"""No norm, as in the paper, or an RMSNorm of known scale: how a construction lives in a pre-norm.

Of every 64 lanes one is *pinned*: it holds P in every column and nothing reads it. With d lanes,
d/64 of them pinned, and the others of mean square s,

    mean(x²) = P²/64 + s · 63/64,    x / rms(x) = x · 8/P · (1 - ½ · 63 s/P² + …)

The gain P/8 undoes the factor, and both are powers of two. While 63 s/P² is below the rounding unit
of the dtype, the norm is the identity bit for bit. Without pinned lanes each RMSNorm divides a
column by a length that depends on what it holds, and every construction here is wrong.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from looped.nn import Transformer
from looped.study.paper.layers import Construction, Lanes, Norm, assemble, run

__all__ = ["compute", "no_norm", "normed", "pin", "pinned_lanes", "unnormed", "with_pins"]

_SHARE = 64


def pin(dtype: torch.dtype, largest: float) -> float:
    """P for lanes up to `largest`: 63 s/P² is below half the rounding unit."""
    needed = largest * math.sqrt(_SHARE / (torch.finfo(dtype).eps / 4))
    return float(2.0 ** math.ceil(math.log2(needed)))


def pinned_lanes(lanes: Lanes) -> Lanes:
    """The same lanes, idle ones up to a multiple of 63, and one pinned lane for every 63."""
    groups = -(-lanes.count // (_SHARE - 1))
    idle = groups * (_SHARE - 1) - lanes.count
    return Lanes(**lanes.sizes, idle=idle, pinned=groups)


def with_pins(x: Tensor, lanes: Lanes, value: float) -> Tensor:
    """A residual stream (B, N, d) of plain lanes, widened to pinned `lanes` that hold P."""
    wide = torch.zeros(*x.shape[:-1], lanes.count, dtype=x.dtype)
    wide[..., : x.shape[-1]] = x
    wide[..., list(lanes["pinned"])] = value
    return wide


def no_norm(width: int) -> nn.Module:
    """The norm of the paper: none."""
    return nn.Identity()


def pinned_norm(value: float) -> Norm:
    """RMSNorm, with the gain that undoes the scale of pinned lanes that hold P."""

    def norm(width: int) -> nn.Module:
        module = nn.RMSNorm(width, eps=0.0)
        nn.init.constant_(module.weight, value / math.sqrt(_SHARE))
        return module

    return norm


def unnormed(construction: Construction, dtype: torch.dtype) -> Transformer:
    """The transformer of a construction, without a norm."""
    return assemble(construction.layers, construction.lanes.count, dtype, no_norm)


def normed(construction: Construction, dtype: torch.dtype, value: float) -> Transformer:
    """The pre-norm transformer of a construction, on pinned lanes that hold P."""
    width = pinned_lanes(construction.lanes).count
    return assemble(construction.layers, width, dtype, pinned_norm(value))


def compute(construction: Construction, x: Tensor, largest: float | None = None) -> Tensor:
    """What a construction makes of `x` (B, N, d), in the dtype of `x`.

    Without a norm; or, if `largest` bounds the lanes, in a pre-norm with pinned lanes for it.
    """
    if largest is None:
        return run(unnormed(construction, x.dtype), x)
    value, wide = pin(x.dtype, largest), pinned_lanes(construction.lanes)
    out = run(normed(construction, x.dtype, value), with_pins(x, wide, value))
    return out[..., : construction.lanes.count]
