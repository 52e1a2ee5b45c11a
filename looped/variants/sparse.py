"""Memory as a grid of √n rows: a read takes three hops, a write two (Child et al. 2019)."""

from __future__ import annotations

import math

from looped.artefact.plan import HeadPlan, Plan
from looped.nn import Attention
from looped.nn.mixers import GridAttention
from looped.nn.mixers.patterns import Pattern, grid_column, grid_summary

__all__ = ["sparse_fixed", "sparse_strided"]


def sparse_strided(core: Attention, plan: Plan, block: int) -> Attention:
    """Hops along rows and columns of the grid."""
    side = _side(plan)
    return _on_grid(core, plan, block, grid_column(side))


def sparse_fixed(core: Attention, plan: Plan, block: int) -> Attention:
    """Hops along rows, and to the last cell of each row."""
    side = _side(plan)
    return _on_grid(core, plan, block, grid_summary(side))


def _on_grid(core: Attention, plan: Plan, block: int, far: Pattern) -> Attention:
    """Attention on a grid that copies what the core copies. The CPU is in the last cell, so that
    the last cell of each row is a relay."""
    side = _side(plan)
    cells = [*range(plan.memory), side**2 - 1, plan.memory]
    roles = [_role(head) for head in plan.blocks[block].heads]
    return GridAttention.from_core(core, cells, side, plan.cpu, far, roles)


def _side(plan: Plan) -> int:
    return math.isqrt(plan.columns - 1) + 1


def _role(head: HeadPlan) -> str:
    """The CPU asks in a head that reads, and tells in one that writes; in others every column
    attends to itself."""
    if head.query[0].startswith("position"):
        return "scatter" if "cpu" in head.key else "near"
    return "gather"
