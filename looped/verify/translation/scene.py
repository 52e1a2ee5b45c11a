"""The driver's lanes at the cuts of lifted code, as bits of its values, and what they came from.

Values are computed once and never change, so a bit has one name throughout a pass. At a cut the
bits that hold lanes are variables. What does not hold for all of their signs may still hold in
every state that a pass comes to: then the bits are replaced by what made them from those of the cut
before, and so on down to the state in which the pass began. A guard that fails gives the pass up,
so nothing need hold where one before has failed.
"""

from __future__ import annotations

from collections.abc import Iterable

from looped.engines.lifted.code import Code
from looped.engines.lifted.conditions import Bit
from looped.engines.lifted.lift import Cut, Lifted
from looped.engines.lifted.sums import State
from looped.errors import CompileError
from looped.verify.certificate.diagrams import Diagrams
from looped.verify.translation.reader import WORD, Reader

__all__ = ["Scene", "Story", "WrongLift"]


class WrongLift(CompileError):
    """Lifted code that is not shown to do what the weights do."""


class Story:
    """Lifted code cut into the halves of blocks: cut 0 is the beginning of a pass."""

    def __init__(self, lifted: Lifted) -> None:
        self.lifted = lifted
        self.code: Code = lifted.code
        found = lifted.behaviour
        self.known = found.known
        self.driver = found.driver
        self.columns = len(found.known)
        self.place = {lane: p for p, lane in enumerate(lifted.packed)}
        self.cuts = [Cut(self._beginning(), 0), *lifted.cuts]

    def _beginning(self) -> tuple[State, ...]:
        """Known lanes as constants, others as bits of state words; of words that no instruction
        reads, as bits of values that do not exist."""
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
            raise WrongLift(f"lane {lanes.index(None)} is neither known nor kept")
        return tuple(lane for lane in lanes if lane is not None)

    def stores(self, first: int, end: int) -> list[int]:
        """The places of stores between two places of the code."""
        return [n for n in range(first, end) if self.code.instructions[n].operation == "store"]


class Scene:
    """A space of diagrams over the bits that hold the driver's lanes at a cut.

    `end` is the place in the code up to which guards count.
    """

    def __init__(self, story: Story, cut: int, end: int) -> None:
        self.story = story
        self.cut = cut
        self.end = end
        self.space = Diagrams()
        self._readers: dict[int, Reader] = {}
        self.lanes = story.cuts[cut].lanes

    @property
    def reader(self) -> Reader:
        """Values over the bits at the cut."""
        return self._reader(self.cut)

    def _reader(self, cut: int) -> Reader:
        if cut not in self._readers:
            lanes = (s for s in self.story.cuts[cut].lanes if isinstance(s, Bit))
            self._readers[cut] = Reader(
                self.story.code,
                self.space,
                {(bit.value, bit.place): self._variable(bit) for bit in lanes},
                tuple(map(len, self.story.lifted.words)),
                len(self.story.lifted.packed),
            )
        return self._readers[cut]

    def _variable(self, bit: Bit) -> int:
        return self.space.variable(("bit", bit.value, bit.place))

    def touch(self, lanes: Iterable[int]) -> None:
        """Give lanes the next places in the order of variables."""
        for lane in lanes:
            state = self.lanes[lane]
            if isinstance(state, Bit):
                self._variable(state)

    def lane(self, lane: int) -> int:
        """A lane of the driver at the cut: -1 or +1."""
        return self.signed(self.lanes[lane])

    def after(self, lane: int) -> int:
        """A lane of the driver at the next cut, as the code makes it: -1 or +1."""
        return self.signed(self.story.cuts[self.cut + 1].lanes[lane])

    def signed(self, state: State) -> int:
        """A bit or a constant as a lane, -1 or +1."""
        if isinstance(state, Bit):
            return self.sign(self.reader.bit(state.value, state.place))
        return self.space.number(1 if state else -1)

    def sign(self, condition: int) -> int:
        """A condition as a lane: +1 where it holds, else -1."""
        return self.space.affine([(condition, 1)], 0)

    def require_equal(self, found: int, expected: int, what: str) -> None:
        """Raise WrongLift unless two functions are equal in all states that a pass comes to."""
        if found != expected:
            self.exclude(self.space.negated(self.space.equals(found, expected)), what)

    def exclude(self, condition: int, what: str) -> None:
        """Raise WrongLift unless a condition holds in no state that a pass comes to."""
        for wide in (False, True):
            if self._is_impossible(condition, wide):
                return
        raise WrongLift(what)

    def _is_impossible(self, condition: int, wide: bool) -> bool:
        for cut in range(self.cut, -1, -1):
            condition = self._unguarded(condition, cut, wide)
            if condition == self.space.zero:
                return True
            if cut:
                condition = self._unfolded(condition, self._reader(cut - 1))
        return False

    def _unguarded(self, condition: int, cut: int, wide: bool) -> int:
        """A condition without states in which a guard between a cut and the next fails.

        A bit of a guard that depends on other variables than the condition is left out, lest it
        become large; if `wide`, only one that depends on variables that no one has seen yet.
        """
        space, cuts, code = self.space, self.story.cuts, self.story.code
        reader = self._reader(cut)
        names = set(space.names)
        last = cuts[cut + 1].end if cut + 1 < len(cuts) else self.end
        for n in range(cuts[cut].end, min(last, self.end)):
            if code.instructions[n].operation != "guard" or condition == space.zero:
                continue
            wrong = code.instructions[n].operands[0]
            for place in range(WORD):
                seen = names if wide else space.support(condition)
                if reader.sources(wrong, place) <= seen and condition != space.zero:
                    bit = reader.bit(wrong, place)
                    condition = space.times(condition, space.negated(bit))
        return condition

    def _unfolded(self, condition: int, reader: Reader) -> int:
        """A condition with its bits replaced by what made them."""
        made: dict[object, int] = {}
        for name in self.space.support(condition):
            if isinstance(name, tuple) and name[0] == "bit" and name[1] >= 0:
                made[name] = reader.bit(*name[1:])
        return self.space.compose(condition, made)
