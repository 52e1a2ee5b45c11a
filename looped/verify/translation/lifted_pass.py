"""LiftedPass: one pass of lifted code, cut into phases, with its lanes and columns at each cut."""

from __future__ import annotations

import bisect
from dataclasses import dataclass

from looped.diagrams import Diagrams
from looped.engines.lifted.code import Code
from looped.engines.lifted.conditions import Bit
from looped.engines.lifted.lift import Cut, Lifted
from looped.engines.lifted.sums import State
from looped.errors import CompileError
from looped.verify.translation.definitions import Definitions
from looped.verify.translation.dependencies import BitNumbers, Dependencies
from looped.verify.translation.reader import WORD, Reader
from looped.verify.translation.zeros import may_be_one

__all__ = ["Guard", "LiftedPass", "WrongLift"]


@dataclass(frozen=True, slots=True)
class Guard:
    """A bit that is zero unless a guard ends the pass. The guard is at a place of the code after a
    cut; `sources` is the set of bits at that cut on which the bit can depend."""

    at: int
    cut: int
    value: int
    place: int
    sources: int


class WrongLift(CompileError):
    """Lifted code that is not proved to do what the weights do."""


class LiftedPass:
    """Lifted code cut into phases: cut 0 is the beginning of a pass.

    `claims` counts the claims about bits, `nodes` is the size of the largest space of diagrams.
    """

    def __init__(self, lifted: Lifted) -> None:
        self.lifted = lifted
        self.code: Code = lifted.code
        found = lifted.behaviour
        self.known = found.known
        self.driver = found.driver
        self.columns = len(found.known)
        self.place = {lane: p for p, lane in enumerate(lifted.packed)}
        self.cuts = [Cut(self._beginning(), 0), *lifted.cuts]
        self._ends = [cut.end for cut in self.cuts]
        self.claims = self.nodes = 0
        self.numbers = BitNumbers()
        self.definitions = Definitions(self.code, self.made, self.sources, self.reader)
        self._ones = may_be_one(self.code, tuple(map(len, lifted.words)), len(lifted.packed))
        self._guards: dict[int, list[Guard]] = {}
        self._sources: dict[int, Dependencies] = {}

    def _beginning(self) -> tuple[State, ...]:
        """Known lanes as constants, others as bits of state words. A word that no instruction reads
        has bits of a value that does not exist."""
        lanes: list[State | None] = [None] * self.known.shape[1]
        for lane, sign in enumerate(self.known[self.driver].tolist()):
            lanes[lane] = float(sign > 0) if sign else None
        first: dict[int, int] = {}
        for value, instruction in enumerate(self.code.instructions):
            if instruction.operation == "state":
                first.setdefault(instruction.number, value)
        for number, word in enumerate(self.lifted.words):
            for place, lane in enumerate(word):
                lanes[lane] = Bit(first.get(number, -1 - number), place)
        if None in lanes:
            raise WrongLift(f"lane {lanes.index(None)} is neither known nor in a word")
        return tuple(lane for lane in lanes if lane is not None)

    def stores(self, first: int, end: int) -> list[int]:
        """The places of stores between two places of the code."""
        return [n for n in range(first, end) if self.code.instructions[n].operation == "store"]

    def count(self, space: Diagrams) -> None:
        """Count a claim about bits, and note the size of its space."""
        self.claims += 1
        self.nodes = max(self.nodes, space.size)

    def made(self, value: int) -> int:
        """The first cut at which a value exists."""
        return bisect.bisect_right(self._ends, value)

    def reader(self, cut: int, space: Diagrams) -> Reader:
        """Values over the bits at a cut."""
        bits = {(s.value, s.place) for s in self.cuts[cut].lanes if isinstance(s, Bit)}
        return Reader(self.code, space, bits, self._ones)

    def sources(self, cut: int) -> Dependencies:
        """The bits at a cut on which later bits depend."""
        if cut not in self._sources:
            lanes = self.cuts[cut].lanes
            self._sources[cut] = Dependencies(self.code, self.numbers, lanes, self._ones)
        return self._sources[cut]

    def guards(self, cut: int) -> list[Guard]:
        """The guards in the code after a cut that depend on some bit."""
        if cut not in self._guards:
            self._guards[cut] = self._guards_after(cut)
        return self._guards[cut]

    def _guards_after(self, cut: int) -> list[Guard]:
        sources = self.sources(cut)
        last = [*self._ends, len(self.code.instructions)][cut + 1]
        return [
            Guard(at, cut, value, place, found)
            for at in range(self._ends[cut], last)
            if self.code.instructions[at].operation == "guard"
            for value in self.code.instructions[at].operands
            for place in range(WORD)
            if (found := sources.of(value, place))
        ]
