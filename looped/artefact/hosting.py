"""Hosting: which machines an architecture can be."""

from __future__ import annotations

from looped.artefact.architecture import CODED
from looped.artefact.plan import Plan
from looped.errors import CompileError

__all__ = ["check_hosting"]

_BY_COLUMN = ("linear", "sparse-fixed", "sparse-strided")
"""Attention with features or hops for each column."""


def check_hosting(plan: Plan) -> None:
    """Raise CompileError for a machine that the architecture of its plan cannot be."""
    architecture = plan.architecture
    if architecture.stack == "rmt" and not plan.has_input:
        raise CompileError(
            "a recurrent memory has segments, and the machine has no input column",
            hint="--stack plain",
        )
    by_column = architecture.positions in CODED or architecture.attention in _BY_COLUMN
    if by_column and (plan.n_registers or plan.workers is not None or not plan.has_input):
        raise CompileError(
            f"{architecture.options} is for memory, one CPU and an input column",
            hint="subleq has these",
        )
