"""Mixers: attention of another kind that does what a core attention of a machine does."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import torch

from looped.artefact.plan import Plan
from looped.errors import CompileError
from looped.nn import Attention
from looped.nn.mixers import (
    DifferentialAttention,
    HyperAttention,
    TopAttention,
    axis_planes,
)
from looped.variants.additive import additive
from looped.variants.linear import linear
from looped.variants.sparse import sparse_fixed, sparse_strided

__all__ = ["MIXERS", "Mixer"]

_BLOCK = 8
"""Keys that a query of HyperAttention sees: at most four have its hash, a memory column, the CPU,
the input, and the CPU once more as the address that it writes to."""


def differential(core: Attention, plan: Plan, block: int) -> Attention:
    """λ = ½ of a second map that is warmer by ln 2 at the margin of the head.

    A loser of the first map has the weight p, one of the second 2p: their difference is of the
    order of p². The winner has 1 - λ = ½, which W_O doubles.
    """
    ratios = [1 - math.log(2) / (head.margin * head.beta) for head in plan.blocks[block].heads] + [
        1.0
    ] * (core.n_heads - len(plan.blocks[block].heads))
    ratio = torch.tensor(ratios)[:, None, None]
    made = DifferentialAttention.from_core(core, lambda_init=0.5, ratio=ratio)
    made.o_proj.weight.mul_(2)
    return made


def top1(core: Attention, plan: Plan, block: int) -> Attention:
    """The best key alone."""
    return TopAttention.from_core(core, 1)


def hyper(core: Attention, plan: Plan, block: int) -> Attention:
    """The bits of the address as the hash, and the CPU column as the sample.

    The winner has the hash of the query, with one exception: the CPU attends to itself while its
    key is the address that it writes to.
    """
    planes = axis_planes(range(len(plan.words["position"])), core.d_head)
    seed = _seed_of(plan.cpu, plan.columns)
    return HyperAttention.from_core(core, planes, block=_BLOCK, sample=1, seed=seed)


def _seed_of(column: int, columns: int) -> int:
    """A seed whose first random column is `column`."""
    for seed in range(1 << 16):
        generator = torch.Generator().manual_seed(seed)
        if int(torch.randint(columns, (1,), generator=generator)) == column:
            return seed
    raise CompileError(f"no sample contains column {column} of {columns}")


Mixer = Callable[[Attention, Plan, int], Attention]
"""What makes a mixer of the core attention of a block."""

MIXERS: Mapping[str, Mixer] = {
    "additive": additive,
    "differential": differential,
    "hyper": hyper,
    "linear": linear,
    "sparse-fixed": sparse_fixed,
    "sparse-strided": sparse_strided,
    "top1": top1,
}
"""By the name of the mixer."""
