"""What every form of a block can be: least and largest value on each class of columns, and grid."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from looped.diagrams import Number
from looped.verify.certificate.columns import ColumnClass
from looped.verify.certificate.rows import BlockRows, Row, over, whole

__all__ = ["BlockSpans", "Span", "block_spans", "spans_of"]


@dataclass(frozen=True, slots=True)
class Span:
    """The values of a form on the columns of a class: from `low` to `high`, multiples of `grid`."""

    low: Number
    high: Number
    grid: Number

    @property
    def size(self) -> Number:
        """The largest magnitude."""
        return self.high if self.high > -self.low else -self.low


_NOTHING = Span(0, 0, 0)

Spans = Sequence[Span]
"""The spans of one form, class by class."""


@dataclass(frozen=True)
class BlockSpans:
    """The spans of all forms of a block."""

    rows: BlockRows
    query: Sequence[Spans]
    key: Sequence[Spans]
    value: Sequence[Spans]
    gate: Sequence[Spans]
    up: Sequence[Spans]
    carried: Mapping[int, Number]
    """Head to the most that a column can add to a lane; idle heads have no entry."""


def block_spans(rows: BlockRows, classes: Sequence[ColumnClass]) -> BlockSpans:
    """The spans of every form of a block on every class of columns."""
    forms = (rows.query, rows.key, rows.value, rows.gate, rows.up)
    query, key, value, gate, up = ([spans_of(row, classes) for row in part] for part in forms)
    carried: dict[int, Number] = {}
    for head in range(rows.heads):
        if rows.carried(head):
            carried[head] = _carried(rows, head, value)
    return BlockSpans(rows, query, key, value, gate, up, carried)


def _carried(rows: BlockRows, head: int, value: Sequence[Spans]) -> Number:
    """The most that one column can add to a lane, dimension by dimension, without cancellation."""
    sizes: dict[int, Number] = {
        d: max(span.size for span in value[d]) for d in rows.dimensions(head)
    }
    most: Number = 0
    for row in rows.out:
        total: Number = 0
        for d, factor in row.items():
            total += max(factor, -factor) * sizes.get(d, 0)
        most = max(most, total)
    return most


def spans_of(row: Row, classes: Iterable[ColumnClass]) -> Spans:
    """The spans of a form."""
    if not row:
        return [_NOTHING for _ in classes]
    terms, unit = whole(row)
    return [_span(terms, unit, columns.fixed) for columns in classes]


def _span(terms: Sequence[tuple[int, int]], unit: int, fixed: Mapping[int, int]) -> Span:
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
        return Span(low, high, grid)
    return Span(over(low, unit), over(high, unit), over(grid, unit))
