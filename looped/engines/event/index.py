"""From key code to column, and from query code to column: one-hot attention by look-up.

Over the columns of one stream, a score dimension is a *code* dimension if its magnitude is the
same in every column; in the others, columns with equal values form a *group*. Within a group the
sign pattern of the code dimensions is the address, and a table leads from it to its column.

For a query q, the columns of a group with the constants k score at most

    Σ_code |q_d|·M_d + Σ_other q_d·k_d,

attained by the column whose signs are those of q alone; all others lie lower by 2·min |q_d|·M_d.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from looped.engines.lifted.sparse import Floats, Ints, Rows, SparseModel
from looped.errors import CompileError

__all__ = ["AMBIGUOUS", "NOBODY", "Index", "index_rows"]

NOBODY, AMBIGUOUS = -1, -2

_MOST_CODE_DIMS = 20
_MOST_GROUPS = 64


class Index(NamedTuple):
    """Tables for one side (keys or queries) of every head of a stream.

    Per dimension (rows as in the model): `magnitude`, zero unless it is a code dimension. Per head
    and column: `group` and `code`. Head h has the groups `groups[h]` to `groups[h + 1]`; group g
    has the constants `constant[g]`, aligned with the head's dimensions, `members[g]` columns, and a
    table from `table_start[g]`.
    """

    magnitude: Floats
    group: npt.NDArray[np.int32]
    code: npt.NDArray[np.int32]
    groups: Ints
    constant: Floats
    members: Ints
    table_start: Ints
    table: npt.NDArray[np.int32]


def index_rows(model: SparseModel, rows: Rows, x: npt.NDArray[np.int8]) -> Index:
    """Index the columns of `x` (columns, d_model) by the values of some rows of every head.

    Raises CompileError if a head has more code dimensions or groups than a table can hold.
    """
    heads = len(model.dims) - 1
    group = np.zeros((heads, len(x)), np.int32)
    code = np.zeros((heads, len(x)), np.int32)
    magnitude = np.zeros(int(model.dims[-1]))
    widest = int(np.diff(model.dims).max(initial=1))
    groups, constants, members, starts, tables = [0], [], [], [0], []
    for h in range(heads):
        values = _values(rows, int(model.dims[h]), int(model.dims[h + 1]), x)
        sizes = np.abs(values)
        coded = (sizes == sizes[0]).all(axis=0) & (sizes[0] > 0)
        magnitude[model.dims[h] : model.dims[h + 1]] = np.where(coded, sizes[0], 0)
        bits = int(coded.sum())
        others, member = np.unique(values[:, ~coded], axis=0, return_inverse=True)
        if bits > _MOST_CODE_DIMS or len(others) > _MOST_GROUPS:
            raise CompileError(
                f"head {h} has {bits} code dimensions in {len(others)} groups: too many"
            )
        codes = ((values[:, coded] > 0) << np.arange(bits)).sum(axis=1).astype(np.int32)
        group[h] = member.reshape(-1) + groups[-1]
        code[h] = codes
        for number, other in enumerate(others):
            constant = np.zeros(widest)
            constant[: len(coded)][~coded] = other
            constants.append(constant)
            own = np.flatnonzero(member.reshape(-1) == number)
            members.append(len(own))
            tables.append(_table(codes, own, bits))
            starts.append(starts[-1] + len(tables[-1]))
        groups.append(groups[-1] + len(others))
    return Index(
        magnitude,
        group,
        code,
        np.array(groups),
        np.array(constants).reshape(len(constants), widest),
        np.array(members),
        np.array(starts),
        np.concatenate(tables) if tables else np.zeros(0, np.int32),
    )


def _values(rows: Rows, first: int, last: int, x: npt.NDArray[np.int8]) -> Floats:
    """Some rows applied to every column: (columns, last - first)."""
    result = np.zeros((len(x), last - first))
    for r in range(first, last):
        own = slice(rows.start[r], rows.start[r + 1])
        result[:, r - first] = x[:, rows.lane[own]] @ rows.weight[own]
    return result


def _table(codes: npt.NDArray[np.int32], members: Ints, bits: int) -> npt.NDArray[np.int32]:
    table = np.full(1 << bits, NOBODY, np.int32)
    table[codes[members]] = members
    found, counts = np.unique(codes[members], return_counts=True)
    table[found[counts > 1]] = AMBIGUOUS
    return table
