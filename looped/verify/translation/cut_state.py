"""CutState: the driver's lanes at a cut of lifted code, as bits of its values.

Each value is computed once, so a bit has one name throughout a pass. The bits that hold lanes at a
cut are variables. A claim that fails for some of their signs may still hold in every reachable
state. Then the proof replaces the bits by their definitions over the bits of the cut before, and so
on down to the state in which the pass begins. A guard that fails ends the pass, so no claim need
hold after it.
"""

from __future__ import annotations

from collections.abc import Iterable

from looped.diagrams import Diagrams, Node, TooLarge
from looped.engines.lifted.conditions import Bit
from looped.engines.lifted.sums import State
from looped.verify.translation.lifted_pass import LiftedPass, WrongLift
from looped.verify.translation.reachable import Reachable

__all__ = ["CutState"]


class CutState:
    """A space of diagrams over the bits that hold the driver's lanes at a cut.

    `end` is the place in the code up to which guards count.
    """

    def __init__(self, lifted_pass: LiftedPass, cut: int, end: int) -> None:
        self.lifted_pass = lifted_pass
        self.cut = cut
        self.end = end
        self.space = Diagrams()
        self.reader = lifted_pass.reader(cut, self.space)
        """Values over the bits at the cut."""
        self.lanes = lifted_pass.cuts[cut].lanes

    def _variable(self, bit: Bit) -> Node:
        return self.space.variable(("bit", bit.value, bit.place))

    def touch(self, lanes: Iterable[int]) -> None:
        """Give lanes the next places in the order of variables."""
        for lane in lanes:
            state = self.lanes[lane]
            if isinstance(state, Bit):
                self._variable(state)

    def touch_sources(self, lane: int) -> None:
        """Give the bits from which the code makes a lane the next places, bits of equal place side
        by side: so a sum of words is small."""
        after = self.lifted_pass.cuts[self.cut + 1].lanes[lane]
        if isinstance(after, Bit) and after.value >= 0:
            sources = self.lifted_pass.sources(self.cut)
            found = sources.numbers.bits(sources.of(after.value, after.place))
            for place, value in sorted((place, value) for value, place in found):
                self._variable(Bit(value, place))

    def lane(self, lane: int) -> Node:
        """A lane of the driver at the cut: -1 or +1."""
        return self.signed(self.lanes[lane])

    def after(self, lane: int) -> Node:
        """A lane of the driver at the next cut, as the code makes it: -1 or +1."""
        return self.signed(self.lifted_pass.cuts[self.cut + 1].lanes[lane])

    def signed(self, state: State) -> Node:
        """A bit or a constant as a lane, -1 or +1."""
        if isinstance(state, Bit):
            return self.sign(self.reader.bit(state.value, state.place))
        return self.space.number(1 if state else -1)

    def sign(self, condition: Node) -> Node:
        """A condition as a lane: +1 where it holds, else -1."""
        return self.space.affine([(condition, 1)], 0)

    def require_equal(self, found: Node, expected: Node, what: str) -> None:
        """Raise WrongLift unless two functions are equal in all states that a pass reaches."""
        self.lifted_pass.count(self.space)
        if found != expected:
            self._exclude(self.space.negated(self.space.equals(found, expected)), what)

    def exclude(self, condition: Node, what: str) -> None:
        """Raise WrongLift unless a condition holds in no state that a pass reaches."""
        self.lifted_pass.count(self.space)
        self._exclude(condition, what)

    def _exclude(self, condition: Node, what: str) -> None:
        reachable = Reachable(self.lifted_pass, self.cut, self.end, self.space, condition)
        try:
            if reachable.possible():
                raise WrongLift(what)
        except TooLarge as error:
            raise WrongLift(f"not shown: {what}: {error}") from None
        self.lifted_pass.nodes = max(self.lifted_pass.nodes, reachable.space.size)
