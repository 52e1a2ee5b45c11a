"""The queries and keys of all columns in one head, row by row, and what the fixed ones attend to.

Where the queries of alike columns are codes, each of these columns must attend to itself.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from looped.analysis.forms import values_in_columns
from looped.analysis.grid import Floats, Ints
from looped.analysis.keys import Answers, KeyCodes, KeyGroup, code_table, key_groups
from looped.engines.lifted.layout import ITSELF, Codes, Layout
from looped.engines.lifted.model import Known
from looped.errors import CompileError

__all__ = ["MOST_KEY_BITS", "Side", "fixed_answers", "index_rows", "side_of"]

MOST_KEY_BITS = 24
"""Tables over all signs of the code dimensions, made once for each head: at most 128 MB."""


class Side(NamedTuple):
    """The queries, or the keys, of a head: `values` (rows, dims) and by how much each may vary.

    Those of alike columns are `codes`: where they have a lane, row 0 has its magnitude.
    """

    values: Floats
    reach: Floats
    codes: Codes | None

    @property
    def coded(self) -> Ints:
        """The dimensions in which alike columns differ."""
        lanes = np.zeros(0, np.int64) if self.codes is None else self.codes.lane
        return np.flatnonzero(lanes >= 0)


def side_of(matrix: Floats, known: Known, layout: Layout) -> Side:
    """The values of `matrix` (dims, d_model). Raises CompileError if alike columns have no code."""
    values, reach = values_in_columns(matrix, known)
    if not layout.alike:
        return Side(values, reach, None)
    codes = layout.codes(matrix, known[0])
    values[0] = np.where(codes.lane >= 0, np.abs(codes.factor), values[0])
    reach[0] = 0
    return Side(values, reach, codes)


def index_rows(keys: Side, rows: Ints, layout: Layout) -> KeyCodes:
    """An index of the keys of some rows. Raises CompileError if there is none."""
    own = keys.values[rows]
    coded, classes = key_groups(own, MOST_KEY_BITS)
    if layout.alike and 0 in rows and not coded[keys.coded].all():
        raise CompileError("the keys of alike columns differ where those of others do not")
    dims = np.flatnonzero(coded).tolist()
    groups = []
    for inside in classes:
        codes, columns = layout.coded(rows[inside], keys.values, keys.codes, dims)
        constant = np.where(coded, 0.0, own[inside[0]])
        groups.append(KeyGroup(constant, columns, code_table(codes, columns, len(dims))))
    return KeyCodes(coded, np.where(coded, np.abs(own[0]), 0.0), tuple(groups))


def fixed_answers(
    index: KeyCodes, queries: Side, layout: Layout, strays: int | None = None
) -> Answers:
    """What the queries of all rows attend to: columns, or ITSELF.

    Some of the alike columns may attend to the column `strays` instead. Raises CompileError.
    """
    found = index.answer(queries.values)
    if not len(queries.coded):
        return found
    if not index.coded[queries.coded].all():
        raise CompileError("the queries of alike columns differ where keys have no code")
    dims = np.flatnonzero(index.coded).tolist()
    codes, columns = layout.coded(np.zeros(1, np.int64), queries.values, queries.codes, dims)
    sizes = np.abs(queries.values[0, dims]) * index.magnitude[dims]
    bounds = [float(sizes.sum() + queries.values[0] @ group.constant) for group in index.groups]
    alike = index.ranked(codes, bounds, 2 * float(sizes.min()))
    if not ((alike.column == columns) | (alike.column == strays)).all():
        raise CompileError("alike columns attend to each other")
    closest = int((alike.best - alike.rest).argmin())
    found.column[0], found.best[0] = ITSELF, alike.best[closest]
    found.rest[0] = alike.rest[closest]
    return found
