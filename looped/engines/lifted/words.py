"""Sums over bits become words: all lanes with the same function of bits are computed as one.

A sum is turned into a decision diagram, conditions before other bits. Two lanes have the same
function if their diagrams are the same when the bits' places are counted from the lane's own; then
one word holds both, each at its place. A lane must be ±1: where its diagram has other numbers, a
guard gives up the pass in which they would come up.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass

from looped.engines.lifted.code import Code
from looped.engines.lifted.conditions import All, Bit, Cube, Expression, Not, Parity
from looped.engines.lifted.diagram import (
    Branch,
    Diagram,
    Diagrams,
    TooManyBranches,
    Variable,
    size,
    variables,
)
from looped.engines.lifted.slices import Slices
from looped.engines.lifted.sums import Form, State, Sum
from looped.errors import CompileError

__all__ = ["Words"]

_SHARED = 4
"""A bit on which more lanes than this depend is taken for a condition, not for a bit of theirs."""

_MANY = 24
"""A sum of more bits than this is not even tried as a diagram."""

_LARGE = 20, 60
"""A function of more branches than this, of one lane or of several, is not written out: its sum is
added up."""

Facts = dict[tuple[Bit, int], dict[Bit, int]]
"""What follows where a bit has a value: the values of other bits."""

_CONDITION, _OWN = 0, 1
"""The two kinds of variables, in this order."""


@dataclass(frozen=True, slots=True)
class _Member:
    """A lane of a word: its place there, and what it is."""

    lane: int
    place: int
    diagram: Diagram


class Words:
    """Puts sums into words.

    `widths` says of values how many of their lowest bits may be one, `cubes` of bits that compare
    words what they stand for.
    """

    def __init__(self, code: Code, widths: dict[int, int], cubes: Mapping[Bit, Cube]) -> None:
        self.code = code
        self.widths = widths
        self.cubes = cubes
        self.facts: Facts = {}

    def settle(self, sums: Mapping[int, Sum], lanes: MutableMapping[int, State]) -> None:
        """Give lanes the values of sums, one word for all those with the same function."""
        shared = _shared_bits(sums.values(), self.widths, self.facts)
        shapes = _Shapes(shared, _implications(shared, self.cubes, self.facts))
        told: list[tuple[int, Branch]] = []
        groups: dict[int, list[_Member]] = {}
        suspects: dict[int, list[_Member]] = {}
        large: dict[int, Sum] = {}
        sure: set[int] = set()
        for lane, total in sums.items():
            if len(total.mentioned()) > _MANY:
                large[lane] = total
                continue
            try:
                wrong, bit = shapes.value(total)
            except TooManyBranches:
                large[lane] = total
                continue
            if wrong == 1.0:
                raise CompileError("a lane is never ±1: the model cannot be lifted")
            if wrong == 0.0:
                sure.add(lane)
            if not isinstance(bit, Branch):
                lanes[lane] = bit
            elif size(bit) <= _LARGE[0] and all(k == _CONDITION for k, *_ in variables(bit)):
                told.append((lane, bit))
            shapes.note(groups, lane, bit)
            shapes.note(suspects, lane, wrong)
        large |= {m.lane: sums[m.lane] for ms in groups.values() if _is_large(ms) for m in ms}
        for members in suspects.values():
            if any(member.lane not in large for member in members):
                self.code.emit("guard", self._word(members))
        for members in groups.values():
            if members[0].lane not in large:
                self._place(members, lanes)
        if large:
            Slices(self.code, self.widths, shapes.apart).settle(large, sure, lanes)
        self._relate(shapes.diagrams, [(lanes[lane], bit) for lane, bit in told])

    def _place(self, members: list[_Member], lanes: MutableMapping[int, State]) -> None:
        """Give lanes with one function their bits in one word; those that just are a bit, that."""
        bits = [_as_bit(member.diagram) for member in members]
        if None in bits:
            value = self._word(members)
            bits = [Bit(value, member.place) for member in members]
        for member, state in zip(members, bits, strict=True):
            assert state is not None
            lanes[member.lane] = state

    def _relate(self, diagrams: Diagrams, bits: Sequence[tuple[State, Branch]]) -> None:
        """Note which of some bits, all of them functions of conditions, say something of others."""
        for (first, one), (second, other) in itertools.combinations(bits, 2):
            try:
                diagrams.begin()
                both = diagrams.multiply(one, other)
            except TooManyBranches:
                continue
            assert isinstance(first, Bit) and isinstance(second, Bit)
            if both == 0.0:
                self._note((first, 1), (second, 0))
            elif both is one:
                self._note((first, 1), (second, 1))
            elif both is other:
                self._note((second, 1), (first, 1))

    def _note(self, given: tuple[Bit, int], follows: tuple[Bit, int]) -> None:
        """Note that one bit's value follows from another's, and what follows from its opposite."""
        for (bit, value), (other, result) in (
            (given, follows),
            ((follows[0], 1 - follows[1]), (given[0], 1 - given[1])),
        ):
            if bit != other:
                self.facts.setdefault((bit, value), {})[other] = result

    def _word(self, members: list[_Member]) -> int:
        """One word with the bits of all members, each at its place, zero elsewhere."""
        word = self._emit(members[0].diagram, members[0].place, {})
        places = {member.place for member in members}
        value = self.code.mask(word, sum(1 << p for p in places))
        self.widths[value] = max(places) + 1
        return value

    def _emit(self, diagram: Diagram, place: int, made: dict[int, int]) -> int:
        """A diagram on whole words: bits of its own shifted to the same place."""
        code = self.code
        if not isinstance(diagram, Branch):
            return code.const(-1 if diagram else 0)
        if diagram.serial not in made:
            low, high = (self._emit(d, place, made) for d in (diagram.low, diagram.high))
            kind, value, at = diagram.variable
            if kind == _OWN:
                made[diagram.serial] = _choose(code, code.shift(value, place - at), high, low)
            else:
                condition = code.shift(value, -at)
                if self.widths.get(value) != at + 1:
                    condition = code.mask(condition, 1)
                made[diagram.serial] = code.emit("select", condition, high, low)
        return made[diagram.serial]

    def pack(self, states: Sequence[State]) -> int:
        """Lanes as the bits of a word, the first least significant."""
        constant = sum(1 << place for place, state in enumerate(states) if state == 1.0)
        moves: dict[tuple[int, int], int] = {}
        for place, state in enumerate(states):
            if isinstance(state, Bit):
                key = (state.value, place - state.place)
                moves[key] = moves.get(key, 0) | 1 << place
        word = self.code.const(constant)
        for (value, left), mask in moves.items():
            moved = self.code.shift(value, left)
            width = self.widths.get(value, 64) + left
            if width > 64 or mask != (1 << width) - 1:
                moved = self.code.mask(moved, mask)
            word = self.code.either(word, moved)
        self.widths.setdefault(word, len(states))
        return word


def _is_large(members: Sequence[_Member]) -> bool:
    return size(members[0].diagram) > _LARGE[len(members) > 1]


def _shared_bits(sums: Iterable[Sum], widths: Mapping[int, int], facts: Facts) -> set[Bit]:
    """The bits that are conditions: of one-bit values, mentioned by many lanes, or telling."""
    counts: Counter[Bit] = Counter()
    for total in sums:
        counts.update(total.mentioned())
    telling = {bit for bit, _ in facts}
    return {
        bit
        for bit, count in counts.items()
        if count > _SHARED or widths.get(bit.value, 64) == 1 or bit in telling
    }


class _Shapes:
    """Sums as diagrams, conditions first; and what makes two of them the same function."""

    def __init__(
        self, shared: set[Bit], implied: Callable[[Variable, int], Mapping[Variable, int]]
    ) -> None:
        self.diagrams = Diagrams(implied)
        self.shared = shared
        self._keys: dict[object, int] = {}
        self._keyed: dict[tuple[int, int], int] = {}
        self._expressions: dict[Expression, Diagram] = {}

    def value(self, total: Sum) -> tuple[Diagram, Diagram]:
        """Where a sum is not ±1, and where it is above zero."""
        self.diagrams.begin()
        result = self._form(total.form)
        for condition, form in total.gated:
            product = self.diagrams.multiply(self._truth(condition), self._form(form))
            result = self.diagrams.add(result, product)
        wrong = self.diagrams.map(result, "wrong", lambda value: float(abs(value) != 1))
        return wrong, self.diagrams.map(result, "bit", lambda value: float(value > 0))

    def apart(self, first: Expression, second: Expression) -> bool:
        """Whether two conditions are shown never to hold both."""
        self.diagrams.begin()
        try:
            return self.diagrams.multiply(self._truth(first), self._truth(second)) == 0.0
        except TooManyBranches:
            return False

    def note(self, groups: dict[int, list[_Member]], lane: int, diagram: Diagram) -> None:
        """Put a lane with those that have the same function; its place is its own highest bit's."""
        if isinstance(diagram, Branch):
            own = (at for kind, _, at in variables(diagram) if kind == _OWN)
            place = max(own, default=0)
            member = _Member(lane, place, diagram)
            groups.setdefault(self._key(diagram, place), []).append(member)

    def _key(self, diagram: Diagram, place: int) -> int:
        """A number for the function that a diagram is, relative to its place."""
        if not isinstance(diagram, Branch):
            return self._keys.setdefault(diagram, len(self._keys))
        if (diagram.serial, place) not in self._keyed:
            kind, value, at = diagram.variable
            where = (kind, value, at if kind == _CONDITION else at - place)
            shape = (where, self._key(diagram.low, place), self._key(diagram.high, place))
            self._keyed[diagram.serial, place] = self._keys.setdefault(shape, len(self._keys))
        return self._keyed[diagram.serial, place]

    def _variable(self, bit: Bit) -> Diagram:
        variable: Variable = (_CONDITION if bit in self.shared else _OWN, *bit)
        return self.diagrams.variable(variable)

    def _form(self, form: Form) -> Diagram:
        result: Diagram = form.constant
        for bit, coefficient in form.bits.items():
            if coefficient:
                scaled = self.diagrams.multiply(coefficient, self._variable(bit))
                result = self.diagrams.add(result, scaled)
        return result

    def _truth(self, expression: Expression) -> Diagram:
        if isinstance(expression, bool):
            return float(expression)
        if expression not in self._expressions:
            self._expressions[expression] = self._compose(expression)
        return self._expressions[expression]

    def _compose(self, expression: Bit | Not | All | Parity) -> Diagram:
        if isinstance(expression, Bit):
            return self._variable(expression)
        if isinstance(expression, Not):
            return self.diagrams.invert(self._truth(expression.inner))
        combine = (
            self.diagrams.multiply if isinstance(expression, All) else self.diagrams.exclusive_or
        )
        result: Diagram = 1.0 if isinstance(expression, All) else 0.0
        for part in expression.parts:
            result = combine(result, self._truth(part))
        return result


def _implications(
    shared: set[Bit], cubes: Mapping[Bit, Cube], noted: Facts
) -> Callable[[Variable, int], Mapping[Variable, int]]:
    """What conditions say of each other: as noted, or because they compare bits of one word."""
    related: dict[int, list[tuple[Variable, Cube]]] = {}
    for bit in shared:
        cube = cubes.get(bit, Cube(bit.value, 1 << bit.place, 1 << bit.place))
        related.setdefault(cube.value, []).append(((_CONDITION, *bit), cube))
    facts: dict[tuple[Variable, int], dict[Variable, int]] = {}
    for group in related.values():
        for (first, cube), (second, other) in itertools.permutations(group, 2):
            if cube.excludes(other):
                facts.setdefault((first, 1), {})[second] = 0
            elif cube.implies(other):
                facts.setdefault((first, 1), {})[second] = 1
                facts.setdefault((second, 0), {})[first] = 0
    for (given, value), follows in noted.items():
        for bit in shared & follows.keys() if given in shared else ():
            facts.setdefault(((_CONDITION, *given), value), {})[_CONDITION, *bit] = follows[bit]
    return lambda variable, bit: facts.get((variable, bit), {})


def _as_bit(diagram: Diagram) -> Bit | None:
    """The bit that a diagram is, if it is just that."""
    if isinstance(diagram, Branch) and diagram.low == 0.0 and diagram.high == 1.0:
        return Bit(*diagram.variable[1:])
    return None


def _choose(code: Code, word: int, high: int, low: int) -> int:
    """Bit by bit, `high` where the word is one, else `low`."""
    inverted = code.exclusive(word, code.const(-1))
    return code.either(code.both(word, high), code.both(inverted, low))
