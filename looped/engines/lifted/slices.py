"""Sums over bits added up in words, for many lanes at once, also if their functions differ.

A sum is a list of terms, factor · conditions · bit. Lanes are placed side by side so that as many
as possible have the same terms at the same distance. A term is then one word for all these lanes,
masked to those that have it. Terms with the same factor are joined by or if no two of them can be
one at once; the results are added in planes. A lane must be ±1: if its planes have another value, a
guard abandons the pass.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import NamedTuple

from looped.engines.lifted.classes import products
from looped.engines.lifted.code import Code
from looped.engines.lifted.conditions import All, Bit, Expression, Not, leaves
from looped.engines.lifted.planes import Planes
from looped.engines.lifted.sums import State, Sum

__all__ = ["Slices"]

_PLACES = 64

_COMMON = 10
"""A bit on which more lanes than this depend counts as common to all lanes, not as their own.

Measured for RV32I: 10 and 20 give 1,578 operations, 5 gives 3,016."""


class _Shape(NamedTuple):
    """`factor` · all of `common` · all of `own`.

    In `own`, a lane's own bits have places relative to an anchor. Their value is stored as its
    complement, which marks them: common bits keep their value.
    """

    factor: int
    common: tuple[Expression, ...]
    own: tuple[Expression, ...]


class _Lane(NamedTuple):
    """`constant + Σ terms`, all integers; a term is a shape and its anchor."""

    lane: int
    constant: int
    terms: list[tuple[_Shape, int]]

    @property
    def range(self) -> tuple[int, int]:
        """The least and the largest value over all bits."""
        factors = [shape.factor for shape, _ in self.terms]
        low = self.constant + sum(min(f, 0) for f in factors)
        return low, self.constant + sum(max(f, 0) for f in factors)


@dataclass
class _Row:
    """Lanes by their places in one word; for each shape and distance, a mask of its places."""

    lanes: dict[int, _Lane] = field(default_factory=dict)
    places: dict[_Shape, dict[int, int]] = field(default_factory=dict)

    def put(self, lane: _Lane, place: int) -> None:
        """Put a lane at a free place."""
        self.lanes[place] = lane
        for shape, anchor in lane.terms:
            distances = self.places.setdefault(shape, {})
            distance = anchor - place if shape.own else 0
            distances[distance] = distances.get(distance, 0) | 1 << place

    def best(self, lane: _Lane) -> tuple[int, int]:
        """The free place at which most terms of a lane fit those of the row: (terms, -place)."""
        votes: Counter[int] = Counter()
        for shape, anchor in lane.terms:
            if shape.own:
                votes.update(anchor - distance for distance in self.places.get(shape, ()))
        free = [(n, -p) for p, n in votes.items() if 0 <= p < _PLACES and p not in self.lanes]
        return max(free, default=(0, 0))


class Slices:
    """Adds sums up in words. `apart` says whether two conditions exclude each other."""

    def __init__(
        self,
        code: Code,
        widths: dict[int, int],
        apart: Callable[[Expression, Expression], bool],
    ) -> None:
        self.code = code
        self.widths = widths
        self.apart = apart
        self.common: set[Bit] = set()

    def assign(
        self, sums: Mapping[int, Sum], proved: Container[int], lanes: MutableMapping[int, State]
    ) -> None:
        """Give lanes the values of sums. Lanes that are `proved` to be ±1 need no guard."""
        counts: Counter[Bit] = Counter()
        for total in sums.values():
            counts.update(total.mentioned())
        self.common = {
            bit for bit, n in counts.items() if n > _COMMON or self.widths.get(bit.value) == 1
        }
        one = max(_denominator(total) for total in sums.values())
        for row in _rows(self._lane(lane, total, one) for lane, total in sums.items()):
            unproved = sum(1 << p for p, lane in row.lanes.items() if lane.lane not in proved)
            value = self._word(row, one, unproved)
            self.widths[value] = max(row.lanes) + 1
            for place, lane in row.lanes.items():
                lanes[lane.lane] = Bit(value, place)

    def _lane(self, lane: int, total: Sum, one: int) -> _Lane:
        """A sum whose value is ±1 as a sum of terms whose value is 0 or `one`."""
        factors = {parts: factor * one / 2 for parts, factor in products(total).items()}
        constant = factors.pop(frozenset(), 0.0) + one / 2
        terms = [self._term(parts, int(factor)) for parts, factor in factors.items() if factor]
        return _Lane(lane, int(constant), terms)

    def _term(self, parts: Iterable[Expression], factor: int) -> tuple[_Shape, int]:
        """The shape of a product, and its anchor: the lowest place of its own bits."""
        ordered = sorted(parts, key=repr)
        common = tuple(part for part in ordered if leaves(part) <= self.common)
        own = [part for part in ordered if part not in common]
        places = [bit.place for part in own for bit in leaves(part) - self.common]
        anchor = min(places, default=0)
        moved = sorted((self._relative(part, anchor) for part in own), key=repr)
        return _Shape(factor, common, tuple(moved)), anchor

    def _relative(self, expression: Expression, anchor: int) -> Expression:
        """An expression with its own bits as a shape stores them."""
        if isinstance(expression, bool) or expression in self.common:
            return expression
        if isinstance(expression, Bit):
            return Bit(~expression.value, expression.place - anchor)
        if isinstance(expression, Not):
            return Not(self._relative(expression.inner, anchor))
        return type(expression)(tuple(self._relative(part, anchor) for part in expression.parts))

    def _word(self, row: _Row, one: int, unproved: int) -> int:
        """The lanes of a row as bits of one value, zero elsewhere; guarded at `unproved` places."""
        code = self.code
        ranges = [lane.range for lane in row.lanes.values()]
        limit = max(one, *(max(high, one - low) for low, high in ranges))
        planes = Planes(code, limit.bit_length())
        for place, lane in row.lanes.items():
            planes.add_constant(place, lane.constant)
        for factor, terms in self._joined(row):
            word, mask = code.const(0), 0
            for shape, distance, places in terms:
                term = self._product(shape, distance, places)
                word, mask = code.either(word, term), mask | places
            planes.add(word, mask, factor)
        totals = planes.total()
        at = one.bit_length() - 1
        wrong = code.const(0)
        for n, plane in enumerate(totals):
            wrong = wrong if n == at else code.either(wrong, plane)
        if unproved and code.number(wrong) != 0:
            code.emit("guard", code.mask(wrong, unproved))
        return totals[at]

    def _joined(self, row: _Row) -> Iterator[tuple[int, list[tuple[_Shape, int, int]]]]:
        """Factors with lists of terms (shape, distance, places); no two terms are one at once."""
        found: dict[int, list[list[tuple[_Shape, int, int]]]] = {}
        for shape, distances in row.places.items():
            for distance, places in distances.items():
                lists = found.setdefault(shape.factor, [])
                for terms in lists:
                    if all(not places & p or self._apart(shape, s) for s, _, p in terms):
                        break
                else:
                    lists.append(terms := [])
                terms.append((shape, distance, places))
        return ((factor, terms) for factor, lists in found.items() for terms in lists)

    def _apart(self, first: _Shape, second: _Shape) -> bool:
        return any(self.apart(a, b) for a in first.common for b in second.common)

    def _product(self, shape: _Shape, distance: int, places: int) -> int:
        """A term in the places of lanes that have it, and zeros elsewhere."""
        code = self.code
        word = code.const(places)
        for part in shape.own:
            word = code.both(word, self._spread(part, distance))
        if not shape.common:
            return word
        return code.select(self._condition(All(shape.common)), word, code.const(0))

    def _condition(self, expression: Expression) -> int:
        """A condition as a value, 0 or 1."""
        return self.code.mask(self._fold(expression, self._single), 1)

    def _single(self, bit: Bit) -> int:
        return self.code.mask(self.code.shift(bit.value, -bit.place), 1)

    def _spread(self, expression: Expression, distance: int) -> int:
        """An expression in all places: own bits are shifted, common ones fill every place."""

        def leaf(bit: Bit) -> int:
            if bit.value < 0:
                return self.code.shift(~bit.value, -bit.place - distance)
            return self.code.emit("sub", self.code.const(0), self._single(bit))

        return self._fold(expression, leaf)

    def _fold(self, expression: Expression, leaf: Callable[[Bit], int]) -> int:
        code = self.code
        if isinstance(expression, bool):
            return code.const(-1 if expression else 0)
        if isinstance(expression, Bit):
            return leaf(expression)
        if isinstance(expression, Not):
            return code.exclusive(self._fold(expression.inner, leaf), code.const(-1))
        first, *others = (self._fold(part, leaf) for part in expression.parts)
        for other in others:
            combine = code.both if isinstance(expression, All) else code.exclusive
            first = combine(first, other)
        return first


def _denominator(total: Sum) -> int:
    """The least power of two that makes all terms of half a sum integers."""
    numbers = [total.form.constant + 1, *total.form.bits.values()]
    for _, form in total.gated:
        numbers += [form.constant, *form.bits.values()]
    return max((number / 2).as_integer_ratio()[1] for number in numbers)


def _rows(lanes: Iterable[_Lane]) -> list[_Row]:
    """Lanes in words, each at the place where most of its terms fit the lanes before it."""
    rows: list[_Row] = []
    for lane in lanes:
        anchors = Counter(anchor for shape, anchor in lane.terms if shape.own)
        fits = [(*row.best(lane), n) for n, row in enumerate(rows)] if anchors else []
        count, place, n = max(fits, default=(0, 0, 0))
        if count and 2 * count >= anchors.total():
            rows[n].put(lane, -place)
        else:
            rows.append(_Row())
            rows[-1].put(lane, min(anchors.most_common(1)[0][0] if anchors else 0, _PLACES - 1))
    return rows
