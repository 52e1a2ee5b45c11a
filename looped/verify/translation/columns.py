"""The known lanes of the columns before the attention of a block, and their numbers in binary."""

from __future__ import annotations

import numpy as np

from looped.analysis.grid import Ints
from looped.diagrams import Node
from looped.engines.lifted.conditions import Bit
from looped.verify.translation.cut_state import CutState
from looped.verify.translation.lifted_pass import LiftedPass

__all__ = ["Columns", "equal_bits", "number_bits"]


class Columns:
    """All columns at the cut before an attention: `known` lanes (columns, d_model), 0 where a lane
    may have either sign; the numbers of the `passive` ones; the `bits` that a column number takes,
    also the one after the last column."""

    def __init__(self, lifted_pass: LiftedPass, cut: int) -> None:
        self.lifted_pass = lifted_pass
        self.cut = cut
        self.before, self.after = lifted_pass.cuts[cut], lifted_pass.cuts[cut + 1]
        self.passive = np.delete(np.arange(lifted_pass.columns), lifted_pass.driver)
        self.bits = lifted_pass.columns.bit_length()
        self.known: Ints = lifted_pass.known.astype(np.int64)
        states = self.before.lanes
        self.known[lifted_pass.driver] = [
            0 if isinstance(s, Bit) else 1 if s else -1 for s in states
        ]

    def what(self, rest: str) -> str:
        """A claim about this attention, in words."""
        return f"block {self.cut // 2}, attention: {rest}"


def number_bits(state: CutState, number: int, count: int) -> list[Node]:
    """A number in binary."""
    return state.reader.number(number)[:count]


def equal_bits(state: CutState, first: list[Node], second: list[Node]) -> Node:
    """The condition that two numbers are equal."""
    space, result = state.space, state.space.one
    for a, b in zip(first, second, strict=True):
        result = space.times(result, space.equals(a, b))
    return result
