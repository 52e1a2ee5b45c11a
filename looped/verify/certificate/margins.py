"""The scaled margin of every head, from its weights alone: the least difference of two scores.

A column has one query, and the scores of two columns differ by Σ q·(k - k'). Every q is a multiple
of the grid of its form over all columns, every k - k' a multiple of the grid by which its form
varies between and within columns. So different scores differ by a multiple of a power of two, times
the odd numbers that divide all of W_Q, thus by that number at least. `certify` proves which column
has the best score, and that no other column has it too.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

from looped.artefact.plan import Plan
from looped.diagrams import Number
from looped.verify.certificate.columns import ColumnClass
from looped.verify.certificate.rows import Row, grid_of
from looped.verify.certificate.value_ranges import BlockRanges

__all__ = ["overstated", "scaled_margins"]


def scaled_margins(ranges: BlockRanges, classes: Sequence[ColumnClass]) -> dict[int, Number]:
    """The least difference of two different scores of each head that adds to some lane.

    0 if all scores of a head are the same.
    """
    rows = ranges.rows
    found: dict[int, Number] = {}
    for head in ranges.ov_bound:
        steps = []
        for d in rows.dimensions(head):
            if rows.query[d] and rows.key[d]:
                query = grid_of(values.grid for values in ranges.query[d])
                steps.append(query * grid_of(_differences(rows.key[d], classes)))
        unit = _odd_part(rows.query[d] for d in rows.dimensions(head) if rows.key[d])
        found[head] = grid_of(steps) * unit * (rows.scale or 1)
    return found


def _odd_part(queries: Iterable[Row]) -> int:
    """The largest odd number that divides all coefficients of some forms, in units of their grid.

    It divides every query, whose value is a sum of coefficients with signs, and so every score.
    """
    numbers = [coefficient for row in queries for coefficient in row.values()]
    grid = grid_of(numbers)
    return math.gcd(*(int(number / grid) for number in numbers)) if grid else 1


def _differences(row: Row, classes: Sequence[ColumnClass]) -> Iterator[Number]:
    """Numbers such that every difference of two values of a form is a sum of their multiples."""
    first: Number | None = None
    for columns in classes:
        value: Number = 0
        for lane, coefficient in row.items():
            value += coefficient * columns.fixed.get(lane, 1)
            if lane not in columns.fixed:
                yield 2 * coefficient
        if first is None:
            first = value
        yield value - first


def overstated(plan: Plan, block: int, found: Mapping[int, Number]) -> Iterator[str]:
    """The heads whose margin is larger in the plan than in the weights."""
    for number, head in enumerate(plan.blocks[block].heads):
        planned = head.margin * head.beta
        if number in found and found[number] < planned:
            yield (
                f"block {block + 1}, head `{head.name}`: the plan says a scaled margin of "
                f"{planned:g}, but the weights have {float(found[number]):g}"
            )
