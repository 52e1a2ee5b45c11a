"""The definitions of the bits of a pass, each over the bits at the cut before it.

Each has a space of its own, with its sources in an order that suits sums: bits of equal place side
by side. All claims about a pass share them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from looped.diagrams import Diagrams, Node
from looped.engines.lifted.code import Code
from looped.verify.translation.dependencies import Dependencies
from looped.verify.translation.reader import BitName, Reader, is_bit

__all__ = ["Definition", "Definitions"]

_OPERANDS = 2
"""The first cut after which heads can read the operands of an instruction."""


class Definition(NamedTuple):
    """The conditions under which a bit may be one and may be zero. They exclude each other if the
    definition is `complete`; otherwise each holds for some operands."""

    space: Diagrams
    ones: Node
    zeros: Node
    complete: bool


class Definitions:
    """The definitions of the bits of a pass.

    `made` gives the first cut at which a value exists; `sources` and `reader` give its bits over
    those at a cut.
    """

    def __init__(
        self,
        code: Code,
        made: Callable[[int], int],
        sources: Callable[[int], Dependencies],
        reader: Callable[[int, Diagrams], Reader],
    ) -> None:
        self.code = code
        self.made = made
        self.sources = sources
        self.reader = reader
        self._complete: dict[BitName, Definition] = {}
        self._loose: dict[BitName, Definition] = {}

    def is_made(self, bit: BitName) -> bool:
        """Whether a bit comes from others: not from a cell, nor from the state of the pass."""
        value = bit[1]
        return value >= 0 and self.code.instructions[value].operation not in ("state", "load")

    def is_early(self, bit: BitName) -> bool:
        """Whether a bit is made before heads can read operands: a decision."""
        return self.made(bit[1]) <= _OPERANDS

    def is_operand(self, bit: BitName) -> bool:
        """Whether heads have read a bit for an instruction."""
        return not self.is_early(bit) and self.made(bit[1]) % 2 == 1

    def complete(self, bit: BitName) -> Definition:
        """All that a bit is made from."""
        if bit not in self._complete:
            space = Diagrams()
            ones = self._made(space, *bit[1:])
            self._complete[bit] = Definition(space, ones, space.negated(ones), True)
        return self._complete[bit]

    def loose(self, bit: BitName) -> Definition:
        """What a bit is made from, for some operands."""
        if bit not in self._loose:
            whole = self.complete(bit)
            space = whole.space
            read = filter(is_bit, space.support(whole.ones))
            operands = [name for name in read if self.is_operand(name)]
            ones, zeros = (space.greatest(f, operands) for f in (whole.ones, whole.zeros))
            self._loose[bit] = Definition(space, ones, zeros, not operands)
        return self._loose[bit]

    def _made(self, space: Diagrams, value: int, place: int) -> Node:
        cut = self.made(value) - 1
        sources = self.sources(cut)
        found = sources.numbers.bits(sources.of(value, place))
        for _, bit in sorted((p, ("bit", v, p)) for v, p in found):
            space.variable(bit)
        return self.reader(cut, space).bit(value, place)
