"""From sums over bits to words: lanes with the same function of bits are computed together.

Each sum becomes a decision diagram (`shapes`). Lanes with the same function of bits, relative to
their places, share a word, each at its place. A lane must be ±1: if its diagram has other values, a
guard abandons each pass that would give the lane such a value.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, MutableMapping, Sequence

from looped.diagrams import Node, TooLarge
from looped.engines.lifted.classes import split
from looped.engines.lifted.code import Code
from looped.engines.lifted.conditions import Bit, Cube
from looped.engines.lifted.shapes import OWN, BitFacts, Member, Shapes, condition_bits
from looped.engines.lifted.slices import Slices
from looped.engines.lifted.sums import State, Sum
from looped.errors import CompileError

__all__ = ["Words"]

_MOST_BITS = 24
"""A sum of more bits is added up in words (`slices`), without a diagram. In RV32I these are the 32
lanes of one word; all other lanes have 24 bits at most."""

_MOST_BRANCHES_ALONE, _MOST_BRANCHES_SHARED = 20, 60
"""A function with more branches is added up (`slices`), not written as selects; the limits are for
a function of one lane and for one that several share. Each branch is a select, and a sum in planes
takes about 20 instructions, which several lanes share."""


_LEAST_COMPARED = 3
"""Bits of a comparison: two bits take as many instructions one by one."""


class _Writing:
    """Writes a function on whole words; own bits are shifted to a `place`, and all other bits than
    those in `mask` are zero."""

    def __init__(self, words: Words, shapes: Shapes, place: int, mask: int) -> None:
        self.code = words.code
        self.shapes = shapes
        self.place = place
        self.mask = mask
        space = shapes.space
        self.made = {space.zero: self.code.const(0), space.one: self.code.const(mask)}

    def value(self, function: Node) -> int:
        """The word of a function."""
        if function not in self.made:
            self.made[function] = self._branched(function)
        return self.made[function]

    def _branched(self, function: Node) -> int:
        code, shapes = self.code, self.shapes
        branch = shapes.space.branch(function)
        assert branch is not None
        compared = self._compared(function) if self.mask.bit_count() == 1 else None
        if compared is not None:
            return code.shift(compared, self.mask.bit_length() - 1)
        kind, value, at = shapes.parts(branch)
        flips = branch.high == shapes.space.negated(branch.low)
        low = self.value(branch.low)
        if kind == OWN:
            word = code.mask(code.shift(value, self.place - at), self.mask)
            if flips:
                return code.exclusive(word, low)
            one = code.both(word, self.value(branch.high))
            return code.either(one, code.both(code.exclusive(word, code.const(self.mask)), low))
        condition = code.mask(code.shift(value, -at), 1)
        if flips:
            return code.exclusive(low, code.select(condition, code.const(self.mask), code.const(0)))
        return code.select(condition, self.value(branch.high), low)

    def _compared(self, function: Node) -> int | None:
        """The comparison that a conjunction or disjunction of bits of one value is, or None."""
        code, space = self.code, self.shapes.space
        first = space.branch(function)
        assert first is not None
        end = next(
            (end for end in (first.low, first.high) if space.constant(end) is not None), None
        )
        mask = pattern = 0
        values = set()
        while end is not None and (branch := space.branch(function)) is not None:
            _, value, at = self.shapes.parts(branch)
            values.add(value)
            mask |= 1 << at
            if branch.low == end:
                pattern, function = pattern | 1 << at, branch.high
            elif branch.high == end:
                function = branch.low
            else:
                return None
        if len(values) != 1 or mask.bit_count() < _LEAST_COMPARED or function == end:
            return None
        equal = code.emit("equal", code.mask(values.pop(), mask), code.const(pattern))
        return equal if end == space.zero else code.exclusive(equal, code.const(1))


class Words:
    """Computes sums as words.

    For some values, `widths` says how many of the lowest bits may be one. `cubes` says what a bit
    means that is the result of a comparison.
    """

    def __init__(self, code: Code, widths: dict[int, int], cubes: Mapping[Bit, Cube]) -> None:
        self.code = code
        self.widths = widths
        self.cubes = cubes
        self.facts: BitFacts = {}

    def assign(self, sums: Mapping[int, Sum], lanes: MutableMapping[int, State]) -> None:
        """Give lanes the values of sums; lanes with the same function get bits of one word."""
        totals = list(sums.values())
        conditions = condition_bits(totals, self.widths, self.cubes, self.facts)
        shapes = Shapes(totals, conditions, self.cubes, self.facts)
        groups: dict[int, list[Member]] = {}
        unproved: dict[int, list[Member]] = {}
        large: dict[int, Sum] = {}
        proved: set[int] = set()
        of_conditions: dict[int, Node] = {}
        for lane, total in sums.items():
            functions = _functions(shapes, total)
            if functions is None:
                large[lane] = total
                continue
            wrong, bit = functions
            if wrong == shapes.space.one:
                raise CompileError("a lane is never ±1: the model cannot be lifted")
            if wrong == shapes.space.zero:
                proved.add(lane)
            constant = shapes.space.constant(bit)
            if constant is not None:
                lanes[lane] = float(constant)
            elif shapes.space.branches(bit) <= _MOST_BRANCHES_ALONE and shapes.only_conditions(bit):
                of_conditions[lane] = bit
            shapes.note(groups, lane, bit)
            shapes.note(unproved, lane, wrong)
        large |= {
            m.lane: sums[m.lane] for ms in groups.values() if _is_large(shapes, ms) for m in ms
        }
        self._guard(shapes, unproved, large)
        for members in groups.values():
            if members[0].lane not in large:
                self._place(shapes, members, lanes)
        if large:
            large = self._split(shapes, large)
            Slices(self.code, self.widths, shapes.apart).assign(large, proved, lanes)
        self._relate(shapes, [(lanes[lane], bit) for lane, bit in of_conditions.items()])

    def _split(self, shapes: Shapes, sums: Mapping[int, Sum]) -> dict[int, Sum]:
        """Sums in which what a condition of one bit gates is a bit, where it can be."""
        single = {value for value, width in self.widths.items() if width == 1}
        splits = {lane: split(total, shapes, single) for lane, total in sums.items()}
        functions = [function for each in splits.values() for _, function in each.parts]
        groups: dict[int, list[Member]] = {}
        bits: dict[int, State] = {}
        for number, function in enumerate(functions):
            shapes.note(groups, number, function)
        for members in groups.values():
            self._place(shapes, members, bits)
        made = (bits[number] for number in range(len(functions)))
        return {
            lane: each.joined(itertools.islice(made, len(each.parts)))
            for lane, each in splits.items()
        }

    def _guard(
        self, shapes: Shapes, unproved: Mapping[int, list[Member]], large: Mapping[int, Sum]
    ) -> None:
        """Emit guards against lanes that are not ±1; the guards of `large` lanes come later."""
        for members in unproved.values():
            if any(member.lane not in large for member in members):
                self.code.emit("guard", self._word(shapes, members))

    def _place(
        self, shapes: Shapes, members: list[Member], lanes: MutableMapping[int, State]
    ) -> None:
        """Give lanes with one function their bits in one word, or the bits that they equal."""
        bits = [shapes.as_bit(member.function) for member in members]
        if None in bits:
            value = self._word(shapes, members)
            bits = [Bit(value, member.place) for member in members]
        for member, state in zip(members, bits, strict=True):
            assert state is not None
            lanes[member.lane] = state

    def _relate(self, shapes: Shapes, bits: Sequence[tuple[State, Node]]) -> None:
        """Note which of some bits, all functions of conditions, imply or exclude each other."""
        for (first, one), (second, other) in itertools.combinations(bits, 2):
            both = shapes.both(one, other)
            if both is None:
                continue
            assert isinstance(first, Bit) and isinstance(second, Bit)
            if both == shapes.space.zero:
                self._note((first, 1), (second, 0))
            elif both == one:
                self._note((first, 1), (second, 1))
            elif both == other:
                self._note((second, 1), (first, 1))

    def _note(self, given: tuple[Bit, int], follows: tuple[Bit, int]) -> None:
        """Note that one bit's value follows from another's, and the contraposition."""
        for (bit, value), (other, result) in (
            (given, follows),
            ((follows[0], 1 - follows[1]), (given[0], 1 - given[1])),
        ):
            if bit != other:
                self.facts.setdefault((bit, value), {})[other] = result

    def _word(self, shapes: Shapes, members: list[Member]) -> int:
        """A word with the bits of all members at their places, and zeros elsewhere."""
        places = {member.place for member in members}
        mask = sum(1 << place for place in places)
        value = _Writing(self, shapes, members[0].place, mask).value(members[0].function)
        self.widths[value] = max(places) + 1
        return value

    def pack(self, states: Sequence[State]) -> int:
        """A word whose bits are some lanes, the first one least significant."""
        constant = sum(1 << place for place, state in enumerate(states) if state == 1.0)
        moves: dict[tuple[int, int], int] = {}
        for place, state in enumerate(states):
            if isinstance(state, Bit):
                key = (state.value, place - state.place)
                moves[key] = moves.get(key, 0) | 1 << place
        word = self.code.const(constant)
        for (value, left), mask in moves.items():
            moved = self.code.mask(self.code.shift(value, left), mask)
            word = self.code.either(word, moved)
        self.widths.setdefault(word, len(states))
        return word


def _functions(shapes: Shapes, total: Sum) -> tuple[Node, Node] | None:
    """The conditions that a sum is not ±1 and that it is positive; None if they are too large."""
    if len(total.mentioned()) > _MOST_BITS:
        return None
    try:
        return shapes.value(total)
    except TooLarge:
        return None


def _is_large(shapes: Shapes, members: Sequence[Member]) -> bool:
    most = _MOST_BRANCHES_SHARED if len(members) > 1 else _MOST_BRANCHES_ALONE
    return shapes.space.branches(members[0].function) > most
