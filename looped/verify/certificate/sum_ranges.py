"""Every sum of a block: its range, its grid, and the bits that any order of summation needs.

The sum Σ c·lane over ±1 lanes is exact, in any order and any number of parts, if every partial sum
is a number of the format. All of them are multiples of the grid g of the coefficients and none is
larger than B = Σ |c|; the format holds them all if B ≤ g·2^mantissa. The value itself lies on a
coarser grid, that of c₁ + c₂ + … and every 2·c: an adder's integers.

All arithmetic here is exact, on integers and fractions. It assumes that the state is ±1 and
respects the static lanes; the other claims of a certificate prove that.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from looped.diagrams import Number
from looped.precision import Precision
from looped.verify.certificate.rows import Row, grid_of, over, whole
from looped.verify.certificate.value_ranges import BlockRanges, ValueRange, ValueRanges

__all__ = ["SumRange", "block_sum_ranges", "score_bound"]


@dataclass(frozen=True, slots=True)
class SumRange:
    """One kind of sum in one block.

    Final values lie from `low` to `high`; partial sums are multiples of `grid` with a magnitude of
    at most `bound`. `bits` is the mantissa that any order of summation needs.
    """

    block: int
    what: str
    low: Number
    high: Number
    grid: Number
    bound: Number
    bits: int

    def fits(self, precision: Precision) -> bool:
        """Whether a format holds every partial sum exactly, as a normal number or zero."""
        if not self.grid:
            return True
        inside = self.bits <= precision.mantissa and self.bound <= precision.largest
        return inside and self.grid >= precision.smallest


def _sum_range(
    block: int, what: str, ends: tuple[Number, Number], grid: Number, bound: Number
) -> SumRange:
    steps = -(-bound // grid) if grid else 0
    return SumRange(block, what, *ends, grid, bound, max(0, steps - 1).bit_length())


def block_sum_ranges(number: int, ranges: BlockRanges) -> Iterator[SumRange]:
    """The worst case of every kind of sum in a block."""
    rows = ranges.rows
    for name, forms, found in (
        ("q", rows.query, ranges.query),
        ("k", rows.key, ranges.key),
        ("v", rows.value, ranges.value),
        ("gate", rows.gate, ranges.gate),
        ("up", rows.up, ranges.up),
    ):
        pairs = zip(forms, found, strict=True)
        yield _worst(number, name, (_form_sum(number, name, f, s) for f, s in pairs if f))
    scores = (_score_sum(number, ranges, head) for head in range(rows.heads))
    yield _worst(number, "scores", scores)
    yield _worst(number, "attention", _attention_sums(number, ranges))
    hidden = _hidden(ranges)
    yield _worst(number, "hidden", _hidden_sums(number, hidden))
    yield _worst(number, "MLP", _down_sums(number, rows.down, hidden))


def _worst(block: int, what: str, sums: Iterable[SumRange]) -> SumRange:
    """One sum that covers many: it fits a format only if each of them does."""
    chosen = [e for e in sums if e.grid]
    if not chosen:
        return _sum_range(block, what, (0, 0), 0, 0)
    low, high = min(e.low for e in chosen), max(e.high for e in chosen)
    grid, bound = min(e.grid for e in chosen), max(e.bound for e in chosen)
    return SumRange(block, what, low, high, grid, bound, max(e.bits for e in chosen))


def _form_sum(block: int, what: str, row: Row, ranges: ValueRanges) -> SumRange:
    low, high = min(s.low for s in ranges), max(s.high for s in ranges)
    terms, unit = whole(row)
    bound = bits = 0
    for _, coefficient in terms:
        bound += abs(coefficient)
        bits |= coefficient
    return _sum_range(block, what, (low, high), over(bits & -bits, unit), over(bound, unit))


def score_bound(ranges: BlockRanges, head: int) -> Number:
    """The largest magnitude that partial sums of a head's scores can have, before scaling."""
    return _score_sum(0, ranges, head).bound


def _score_sum(block: int, ranges: BlockRanges, head: int) -> SumRange:
    bound: Number = 0
    products: list[Number] = []
    for d in ranges.rows.dimensions(head):
        if ranges.rows.query[d] and ranges.rows.key[d]:
            query, key = ranges.query[d], ranges.key[d]
            bound += max(s.size for s in query) * max(s.size for s in key)
            products += [q.grid * k.grid for q in query for k in key]
    return _sum_range(block, "scores", (-bound, bound), grid_of(products), bound)


def _attention_sums(block: int, ranges: BlockRanges) -> Iterator[SumRange]:
    """What all heads add to a lane: a one-hot softmax copies the value."""
    for row in ranges.rows.out:
        bound: Number = 0
        grids: list[Number] = []
        for d, factor in row.items():
            bound += max(factor, -factor) * max(s.size for s in ranges.value[d])
            grids += [factor * s.grid for s in ranges.value[d]]
        if bound:
            yield _onto_lane(block, "attention", -bound, bound, grid_of(grids))


def _onto_lane(block: int, what: str, low: Number, high: Number, grid: Number) -> SumRange:
    """A sum that is added to a ±1 lane, which may be its first term."""
    bound = max(-low, high) + 1
    return _sum_range(block, what, (low, high), grid_of([grid, 1]), bound)


_Form = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class _Unit:
    """`relu(gate) · up` on the columns of a class, and up as `factor` times a shared form."""

    top: Number
    up: ValueRange
    grid: Number
    shared: _Form
    factor: Number


def _hidden(ranges: BlockRanges) -> list[list[_Unit]]:
    """The hidden units, class by class; those that are always zero have a grid of zero."""
    shared, factors = [], []
    for row in ranges.rows.up:
        form, factor = _shared(row)
        shared.append(form)
        factors.append(factor)
    classes = zip(zip(*ranges.gate, strict=True), zip(*ranges.up, strict=True), strict=True)
    return [list(map(_unit, gates, ups, shared, factors)) for gates, ups in classes]


def _shared(row: Row) -> tuple[_Form, Number]:
    """The form divided by a factor, so that its coefficients are coprime integers and the first is
    positive; and that factor."""
    terms, unit = whole(row)
    terms.sort()
    factor = math.gcd(*[c for _, c in terms]) or 1
    if terms and terms[0][1] < 0:
        factor = -factor
    return tuple((lane, c // factor) for lane, c in terms), over(factor, unit)


def _unit(gate: ValueRange, up: ValueRange, shared: _Form, factor: Number) -> _Unit:
    top = max(gate.high, 0)
    return _Unit(top, up, gate.grid * up.grid if top else 0, shared, factor)


def _hidden_sums(block: int, hidden: Sequence[Sequence[_Unit]]) -> Iterator[SumRange]:
    for unit in (u for units in hidden for u in units if u.grid):
        low, high = min(unit.up.low, 0) * unit.top, max(unit.up.high, 0) * unit.top
        yield _sum_range(block, "hidden", (low, high), unit.grid, max(-low, high))


def _down_sums(
    block: int, down: Sequence[Row], hidden: Sequence[Sequence[_Unit]]
) -> Iterator[SumRange]:
    for units in hidden:
        for row in down:
            low, high = _reach(row, units)
            grid = grid_of(units[j].grid * factor for j, factor in row.items())
            if grid:
                yield _onto_lane(block, "MLP", low, high, grid)


def _reach(row: Row, units: Sequence[_Unit]) -> tuple[Number, Number]:
    """Bounds for every partial sum. Units with the same up projection share its value in each
    state, so a bound takes the same end of its range for all of them."""
    groups: dict[object, list[tuple[Number, _Unit]]] = {}
    for j, factor in row.items():
        if units[j].grid:
            groups.setdefault(units[j].shared, []).append((factor * units[j].top, units[j]))
    low: Number = 0
    high: Number = 0
    for members in groups.values():
        first = members[0][1]
        ends = [end // first.factor for end in (first.up.low, first.up.high)]
        sums = [[size * unit.factor * end for size, unit in members] for end in ends]
        low += min(sum(x for x in s if x < 0) for s in sums)
        high += max(sum(x for x in s if x > 0) for s in sums)
    return low, high
