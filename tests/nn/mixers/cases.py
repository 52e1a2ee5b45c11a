"""Every mixer: how it is made, how it is made the core, and what the core then has to be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from looped.nn import Attention
from looped.nn.mixers import (
    AdditiveAttention,
    CausalAttention,
    CausalHyperAttention,
    CodedAttention,
    CrossAttention,
    DifferentialAttention,
    GridAttention,
    HyperAttention,
    LambdaAttention,
    LinearAttention,
    PatternAttention,
    RotaryAttention,
    SelectiveAttention,
    ShapedAttention,
    SparseAttention,
    TopAttention,
    Variant,
    random_planes,
)
from looped.nn.mixers.patterns import causal, everything, grid_column
from looped.nn.position import Rotary
from tests import seeds

__all__ = ["CASES", "D_HEAD", "D_MODEL", "HEADS", "Case", "N", "core", "stream"]

N, D_MODEL, HEADS, D_HEAD = 9, 12, 3, 4

ROLES = ("near", "gather", "scatter")


@dataclass(frozen=True)
class Case:
    """A mixer. `plain` are the settings in which it is the core, if there are any on all streams;
    `mask` says which mask the core has then; `fixed` names the parameters without a gradient."""

    kind: type[Variant]
    settings: dict[str, Any] = field(default_factory=dict)
    plain: dict[str, Any] | None = None
    causal: bool = False
    fixed: tuple[str, ...] = ()

    def made(self) -> Variant:
        """The mixer in a setting of its own."""
        torch.manual_seed(seeds.number(5))
        if self.kind is ShapedAttention:
            mixer: Variant = ShapedAttention(D_MODEL, HEADS)
            nn.init.normal_(mixer.q_proj.weight)
            return mixer
        return self.kind(D_MODEL, HEADS, D_HEAD, **self.settings)

    def mask(self) -> Tensor | None:
        """The mask with which the core is this mixer in its plain setting."""
        return torch.ones(N, N, dtype=torch.bool).tril() if self.causal else None


CASES: dict[str, Case] = {
    "causal": Case(CausalAttention, {}, {}, causal=True),
    "pattern": Case(PatternAttention, {"patterns": [causal]}, {"patterns": [everything]}),
    "strided": Case(
        SparseAttention, {"stride": 3}, {"stride": N, "kind": "fixed", "summary": N}, causal=True
    ),
    "fixed": Case(
        SparseAttention,
        {"stride": 3, "kind": "fixed"},
        {"stride": 3 * N, "kind": "fixed", "summary": 3 * N},
        causal=True,
    ),
    "lambda": Case(LambdaAttention, {"window": 3, "sink": 1}, {"window": N}, causal=True),
    "lambda-rotary": Case(
        LambdaAttention, {"window": 3, "sink": 2, "rotary": Rotary(D_HEAD)}, None, causal=True
    ),
    "rotary": Case(
        RotaryAttention, {"rotary": Rotary(D_HEAD)}, {"rotary": Rotary(D_HEAD), "step": 0}
    ),
    "hyper": Case(
        HyperAttention,
        {"planes": random_planes(3, D_HEAD), "block": 4, "sample": 2},
        {"planes": random_planes(3, D_HEAD), "block": N},
    ),
    "hyper-causal": Case(
        CausalHyperAttention,
        {"planes": random_planes(3, D_HEAD), "block": 2},
        {"planes": random_planes(3, D_HEAD), "block": N},
        causal=True,
    ),
    "selective": Case(SelectiveAttention, {}, {"strength": 0.0}, causal=True),
    "differential": Case(DifferentialAttention, {}, {}),
    "additive": Case(AdditiveAttention, {"units": 6}, None),
    "coded": Case(CodedAttention, {"bits": 2, "width": 6}, None),
    "grid": Case(
        GridAttention,
        {"cells": range(N), "side": 3, "hub": 8, "far": grid_column(3), "roles": ROLES},
        {"cells": range(N), "side": N},
    ),
    "top": Case(TopAttention, {"k": 2}, {"k": N}),
    "linear": Case(LinearAttention, {}, None),
    "linear-causal": Case(LinearAttention, {"causal": True}, None),
    "cross": Case(CrossAttention, {}, {}),
    "shaped": Case(ShapedAttention, {}, {}, fixed=()),
}


def core() -> Attention:
    """The core's attention."""
    torch.manual_seed(seeds.number(6))
    return Attention(D_MODEL, HEADS, D_HEAD)


def stream(*shape: int) -> Tensor:
    """A residual stream."""
    torch.manual_seed(seeds.number(7))
    return torch.randn(*(shape or (2, N, D_MODEL)))


Make = Callable[[], Variant]
