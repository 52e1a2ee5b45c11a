"""GraphCode: a program whose control-flow graph can be its program counter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, Self, runtime_checkable

from looped.machines.code import BakedCode

__all__ = ["ONWARD", "TAKEN", "Edges", "GraphCode"]

Edges = Mapping[int, int]
"""Program counter → the next one. A graph has at most one edge from each node."""

TAKEN, ONWARD = "taken", "onward"
"""The two graphs of a program, and the words that hold the successors of an instruction in them: to
where it branches, and the instruction after it."""


@runtime_checkable
class GraphCode(BakedCode, Protocol):
    """Baked code of which each successor is known. A machine that gets it with `graph` looks both
    successors up in tables, and computes no program counter."""

    @property
    def graph(self) -> bool:
        """Whether the control-flow graph is the program counter."""

    @property
    def edges(self) -> Mapping[str, Edges]:
        """The graphs TAKEN and ONWARD."""

    @property
    def nodes(self) -> frozenset[int]:
        """The program counters in either graph."""

    def as_graph(self) -> Self:
        """The same code, whose graph is the program counter."""
