"""Sums over bits as decision diagrams, and when two lanes are the same function of bits.

The order of variables has the conditions first, then a lane's own bits. Two lanes are the same
function if their diagrams are equal after the places of their own bits are counted relative to the
place of the lane.
"""

from __future__ import annotations

import itertools
import statistics
from collections import Counter
from collections.abc import Collection, Container, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from looped.diagrams import Branch, DiagramsUnderFacts, Facts, Node, Number, TooLarge
from looped.engines.lifted.conditions import All, Bit, Cube, Expression, Not, Parity
from looped.engines.lifted.sums import Form, Sum

__all__ = ["CONDITION", "OWN", "BitFacts", "Member", "Shapes", "Variable", "condition_bits"]

_MOST_NODES = 2_000
"""New nodes that the function of one lane may take: it takes at most 1,259 in RV32I, 96 in SUBLEQ.
A lane that needs more is added up in words (`slices`), at a cost linear in its terms."""

_MOST_OWN = 6
"""A bit on which more lanes than this depend counts as a condition, not as their own bit, if there
are also twice as many as for most bits of its word.

If a word is added or moved, each of its bits affects the lane at its place and a few beside it; a
bit that affects more lanes selects or enables. A word that many units read has bits of many lanes,
but the distance of a shift has more than its other bits. Factors of 1.5 and 3 instead of 2 give
RV32I 8 operations more and none, of 2,404."""

BitFacts = dict[tuple[Bit, int], dict[Bit, int]]
"""For a bit and its value: the values of other bits that follow from it."""

CONDITION, OWN = 0, 1
"""The two kinds of variables, in this order."""


class Variable(NamedTuple):
    """The name of a variable: its kind, and the bit."""

    kind: int
    value: int
    place: int


@dataclass(frozen=True, slots=True)
class Member:
    """A lane of a word: its place in the word, and its function."""

    lane: int
    place: int
    function: Node


def condition_bits(
    sums: Collection[Sum],
    widths: Mapping[int, int],
    cubes: Container[Bit],
    facts: BitFacts,
) -> set[Bit]:
    """The bits that count as conditions: one-bit values, bits of many lanes, bits with facts."""
    counts: Counter[Bit] = Counter()
    for total in sums:
        counts.update(total.mentioned())
    by_value: dict[int, list[int]] = {}
    for bit, count in counts.items():
        by_value.setdefault(bit.value, []).append(count)
    most = {value: max(_MOST_OWN, 2 * _usual(some)) for value, some in by_value.items()}
    with_facts = {bit for bit, _ in facts}
    return {
        bit
        for bit, count in counts.items()
        if count > most[bit.value]
        or widths.get(bit.value, 64) == 1
        or bit in cubes
        or bit in with_facts
    }


def _usual(counts: Sequence[int]) -> int:
    """How many lanes depend on a bit of a word, for most of its bits; 0 if the word is short."""
    return statistics.median_low(counts) if len(counts) > _MOST_OWN else 0


class Shapes:
    """Functions of the bits that some sums mention; `conditions` come first in their order.

    `cubes` says what a bit means that is the result of a comparison; `facts` are further facts.
    """

    def __init__(
        self,
        sums: Collection[Sum],
        conditions: set[Bit],
        cubes: Mapping[Bit, Cube],
        facts: BitFacts,
    ) -> None:
        self.conditions = conditions
        mentioned = set().union(*(total.mentioned() for total in sums))
        names = sorted(map(self.variable, mentioned))
        self.space = DiagramsUnderFacts(names, self._facts(cubes, facts), _MOST_NODES)
        self._numbers: dict[object, int] = {}
        self._shapes: dict[tuple[Node, int], int] = {}
        self._expressions: dict[Expression, Node] = {}

    def variable(self, bit: Bit) -> Variable:
        """The name of a bit's variable."""
        return Variable(CONDITION if bit in self.conditions else OWN, *bit)

    def value(self, total: Sum) -> tuple[Node, Node]:
        """Where a sum is not ±1, and where it is above zero. Raises TooLarge."""
        space = self.space
        space.begin()
        result = self._form(total.form)
        for condition, form in total.gated:
            result = space.add(result, space.times(self._truth(condition), self._form(form)))
        wrong = space.negated(space.among(result, (1, -1)))
        return wrong, space.negated(space.at_least(space.zero, result))

    def both(self, first: Node, second: Node) -> Node | None:
        """The conjunction of two conditions; None if it is too large."""
        self.space.begin()
        try:
            return self.space.times(first, second)
        except TooLarge:
            return None

    def apart(self, first: Expression, second: Expression) -> bool:
        """Whether two conditions are shown to exclude each other."""
        self.space.begin()
        try:
            return self.space.times(self._truth(first), self._truth(second)) == self.space.zero
        except TooLarge:
            return False

    def note(self, groups: dict[int, list[Member]], lane: int, function: Node) -> None:
        """Add a lane to those with the same function; its place is that of its highest own bit."""
        if self.space.constant(function) is None:
            names = self.space.support(function)
            own = (v.place for v in names if isinstance(v, Variable) and v.kind == OWN)
            place = max(own, default=0)
            groups.setdefault(self._shape(function, place), []).append(
                Member(lane, place, function)
            )

    def only_conditions(self, function: Node) -> bool:
        """Whether a function depends only on conditions."""
        names = self.space.support(function)
        return all(isinstance(v, Variable) and v.kind == CONDITION for v in names)

    def as_bit(self, function: Node) -> Bit | None:
        """The bit that a function equals, or None."""
        branch = self.space.branch(function)
        if branch is not None and (branch.low, branch.high) == (self.space.zero, self.space.one):
            variable = self.parts(branch)
            return Bit(variable.value, variable.place)
        return None

    def parts(self, branch: Branch) -> Variable:
        """The variable of a branch."""
        assert isinstance(branch.name, Variable)
        return branch.name

    def _shape(self, function: Node, place: int) -> int:
        """A number that is equal for equal functions relative to their places."""
        branch = self.space.branch(function)
        if branch is None:
            constant = self.space.constant(function)
            return self._numbers.setdefault(constant, len(self._numbers))
        if (function, place) not in self._shapes:
            kind, value, at = self.parts(branch)
            name = (kind, value, at if kind == CONDITION else at - place)
            shape = (name, self._shape(branch.low, place), self._shape(branch.high, place))
            number = self._numbers.setdefault(shape, len(self._numbers))
            self._shapes[function, place] = number
        return self._shapes[function, place]

    def _form(self, form: Form) -> Node:
        space = self.space
        result = space.number(_exact(form.constant))
        for bit, coefficient in form.bits.items():
            if coefficient:
                term = space.scaled(space.variable(self.variable(bit)), _exact(coefficient))
                result = space.add(result, term)
        return result

    def _truth(self, expression: Expression) -> Node:
        if isinstance(expression, bool):
            return self.space.one if expression else self.space.zero
        if expression not in self._expressions:
            self._expressions[expression] = self._composed(expression)
        return self._expressions[expression]

    def _composed(self, expression: Bit | Not | All | Parity) -> Node:
        space = self.space
        if isinstance(expression, Bit):
            return space.variable(self.variable(expression))
        if isinstance(expression, Not):
            return space.negated(self._truth(expression.inner))
        result = space.one if isinstance(expression, All) else space.zero
        for part in expression.parts:
            truth = self._truth(part)
            if isinstance(expression, All):
                result = space.times(result, truth)
            else:
                result = space.negated(space.equals(result, truth))
        return result

    def _facts(self, cubes: Mapping[Bit, Cube], noted: BitFacts) -> Facts:
        """What conditions imply for each other: noted facts, and comparisons of the same word."""
        related: dict[int, list[tuple[Variable, Cube]]] = {}
        for bit in self.conditions:
            cube = cubes.get(bit, Cube(bit.value, 1 << bit.place, 1 << bit.place))
            related.setdefault(cube.value, []).append((self.variable(bit), cube))
        facts: dict[tuple[object, int], dict[object, int]] = {}
        for group in related.values():
            for (first, cube), (second, other) in itertools.permutations(group, 2):
                if cube.excludes(other):
                    facts.setdefault((first, 1), {})[second] = 0
                elif cube.implies(other):
                    facts.setdefault((first, 1), {})[second] = 1
                    facts.setdefault((second, 0), {})[first] = 0
        for (given, value), follows in noted.items():
            for bit in self.conditions & follows.keys() if given in self.conditions else ():
                known = facts.setdefault((self.variable(given), value), {})
                known[self.variable(bit)] = follows[bit]
        return facts


def _exact(number: float) -> Number:
    return int(number) if number == int(number) else Fraction(number)
