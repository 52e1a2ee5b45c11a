"""The margin of every head, from its weights alone: by how much two scores differ at least.

A column asks with one query, and the scores of two columns differ by Σ q·(k - k'). Every q is a
multiple of the grid of its form over all columns, every k - k' one of the grid by which its form
varies between and within columns. So different scores differ by a multiple of a power of two, and
by that number at least. Whether two columns have the same score is no question of the format: that
the right one is found is what `certify` shows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from looped.artefact.plan import Plan
from looped.diagrams import Number
from looped.verify.certificate.columns import ColumnClass
from looped.verify.certificate.rows import Row, grid_of
from looped.verify.certificate.spans import BlockSpans

__all__ = ["margins", "overstated"]


def margins(spans: BlockSpans, classes: Sequence[ColumnClass]) -> dict[int, Number]:
    """Head to the least difference of two different scores, for heads that carry something.

    0 if all scores of a head are the same. Of no head more is believed than its weights.
    """
    rows = spans.rows
    found: dict[int, Number] = {}
    for head in spans.carried:
        steps = []
        for d in rows.dimensions(head):
            if rows.query[d] and rows.key[d]:
                query = grid_of(span.grid for span in spans.query[d])
                steps.append(query * grid_of(_differences(rows.key[d], classes)))
        found[head] = grid_of(steps) * (rows.scale or 1)
    return found


def _differences(row: Row, classes: Sequence[ColumnClass]) -> Iterator[Number]:
    """Numbers of which every difference of two values of a form is a sum of multiples."""
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
    """What a plan tells of its heads and their weights do not keep."""
    for number, head in enumerate(plan.blocks[block].heads):
        told = head.gap * head.beta
        if number in found and found[number] < told:
            yield (
                f"block {block + 1}, head `{head.name}`: the plan tells a margin of {told:g}, "
                f"and the weights have {float(found[number]):g}"
            )
