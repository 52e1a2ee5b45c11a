"""The values of every form of a block: least, largest and grid on each class of columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from looped.diagrams import Number
from looped.verify.certificate.columns import ColumnClass
from looped.verify.certificate.rows import BlockRows, Row, over, whole

__all__ = ["BlockRanges", "ValueRange", "block_value_ranges", "value_ranges"]


@dataclass(frozen=True, slots=True)
class ValueRange:
    """The values of a form on the columns of a class: from `low` to `high`, multiples of `grid`."""

    low: Number
    high: Number
    grid: Number

    @property
    def size(self) -> Number:
        """The largest magnitude."""
        return self.high if self.high > -self.low else -self.low


_NOTHING = ValueRange(0, 0, 0)

ValueRanges = Sequence[ValueRange]
"""The values of one form, class by class."""


@dataclass(frozen=True)
class BlockRanges:
    """The values of all forms of a block."""

    rows: BlockRows
    query: Sequence[ValueRanges]
    key: Sequence[ValueRanges]
    value: Sequence[ValueRanges]
    gate: Sequence[ValueRanges]
    up: Sequence[ValueRanges]
    ov_bound: Mapping[int, Number]
    """Head to the most that a column, or the difference of two, can add to a lane; idle heads have
    no entry."""


def block_value_ranges(rows: BlockRows, classes: Sequence[ColumnClass]) -> BlockRanges:
    """The values of every form of a block on every class of columns."""
    forms = (rows.query, rows.key, rows.value, rows.gate, rows.up)
    query, key, value, gate, up = ([value_ranges(row, classes) for row in part] for part in forms)
    bounds: dict[int, Number] = {}
    for head in range(rows.heads):
        if rows.w_ov(head):
            bounds[head] = _ov_bound(rows, head, value)
    return BlockRanges(rows, query, key, value, gate, up, bounds)


def _ov_bound(rows: BlockRows, head: int, value: Sequence[ValueRanges]) -> Number:
    """The most that a column, or the difference of two, can add to a lane, dimension by dimension,
    without cancellation."""
    reaches: dict[int, Number] = {}
    for d in rows.dimensions(head):
        low, high = min(v.low for v in value[d]), max(v.high for v in value[d])
        reaches[d] = max(high, -low, high - low)
    most: Number = 0
    for row in rows.out:
        total: Number = 0
        for d, factor in row.items():
            total += max(factor, -factor) * reaches.get(d, 0)
        most = max(most, total)
    return most


def value_ranges(row: Row, classes: Iterable[ColumnClass]) -> ValueRanges:
    """The values of a form, class by class."""
    if not row:
        return [_NOTHING for _ in classes]
    terms, unit = whole(row)
    return [_value_range(terms, unit, columns.fixed) for columns in classes]


def _value_range(
    terms: Sequence[tuple[int, int]], unit: int, fixed: Mapping[int, int]
) -> ValueRange:
    """The sum of terms, in units of 1/unit; flipping a lane changes it by twice its term."""
    constant = spread = bits = 0
    for lane, number in terms:
        sign = fixed.get(lane)
        if sign is None:
            spread += abs(number)
            bits |= 2 * number
        else:
            constant += number * sign
    low, high = constant - spread, constant + spread
    grid = (bits | high) & -(bits | high)
    if unit == 1:
        return ValueRange(low, high, grid)
    return ValueRange(over(low, unit), over(high, unit), over(grid, unit))
