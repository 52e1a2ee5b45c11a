"""From key code to column, and from query code to column: one-hot attention by look-up.

Over the columns of one stream, a score dimension is a *code* dimension if its magnitude is the
same in every column; in the others, columns with equal values form a *group*. Within a group the
sign pattern of the code dimensions is the address, and a table leads from it to its column.

For a query q, the columns of a group with the constants k score at most

    Σ_code |q_d|·M_d + Σ_other q_d·k_d,

attained by the column whose signs are those of q alone; all others lie lower by 2·min |q_d|·M_d.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from looped.analysis.model import Head, Ints
from looped.errors import CompileError

__all__ = [
    "AMBIGUOUS",
    "BIT",
    "CLEARANCE",
    "MAGNITUDE",
    "MEMBERS",
    "NOBODY",
    "START",
    "Index",
    "check_leads",
    "index_columns",
]

NOBODY, AMBIGUOUS = -1, -2
MAGNITUDE, BIT, CLEARANCE = 0, 1, 2
MEMBERS, START = 0, 1

_MOST_CODE_DIMS = 20
_MOST_GROUPS = 64
_FAR = 1 << 29

Int32s = npt.NDArray[np.int32]


class Index(NamedTuple):
    """Tables for one side (keys or queries) of every head of a stream.

    Per head and dimension, `dims` has the MAGNITUDE, zero unless it is a code dimension; its BIT in
    the code, zero unless it is one; and a CLEARANCE, which is zero if it is one. Column c is in
    group `member[c, h]`. Head h has the groups `groups[h]` to `groups[h + 1]`; group g has the
    constants `constant[g]`, a number of MEMBERS, and a table from START: `group[g]`.
    """

    dims: Int32s
    groups: Ints
    group: Ints
    constant: Int32s
    member: npt.NDArray[np.int16]
    table: Int32s


def index_columns(rows: Sequence[Ints], x: npt.NDArray[np.int8], dims: int) -> Index:
    """Index the columns of `x` (columns, d_model) by the values of rows (dims, d_model) per head.

    Heads with fewer than `dims` dimensions are filled up. Raises CompileError if a head has more
    code dimensions or groups than a table can hold.
    """
    signs = x.astype(np.float32)
    magnitude, bit = (np.zeros((len(rows), dims), np.int32) for _ in range(2))
    members = np.zeros((len(x), len(rows)), np.int16)
    groups, group, constants, tables, start = [0], [], [], [], 0
    for h, matrix in enumerate(rows):
        values = np.zeros((len(x), dims), np.int32)
        values[:, : len(matrix)] = signs @ matrix.T.astype(np.float32)
        sizes = np.abs(values)
        coded = (sizes == sizes[0]).all(axis=0) & (sizes[0] > 0)
        bits = int(coded.sum())
        others, member = np.unique(values[:, ~coded], axis=0, return_inverse=True)
        if bits > _MOST_CODE_DIMS or len(others) > _MOST_GROUPS:
            raise CompileError(
                f"head {h} has {bits} code dimensions in {len(others)} groups: too many"
            )
        magnitude[h, coded] = sizes[0, coded]
        bit[h, coded] = 1 << np.arange(bits)
        codes = (values > 0) @ bit[h]
        members[:, h] = member.reshape(-1) + groups[-1]
        for number, other in enumerate(others):
            constant = np.zeros(dims, np.int32)
            constant[~coded] = other
            constants.append(constant)
            own = np.flatnonzero(member.reshape(-1) == number)
            group.append((len(own), start))
            tables.append(_table(codes, own, bits))
            start += 1 << bits
        groups.append(groups[-1] + len(others))
    return Index(
        np.array([magnitude, bit, np.where(bit > 0, 0, _FAR)], np.int32),
        np.array(groups, np.int64),
        np.array(group, np.int64).reshape(-1, 2),
        np.array(constants, np.int32).reshape(-1, dims),
        members,
        np.concatenate([*tables, np.zeros(0, np.int32)]),
    )


def check_leads(heads: Sequence[Head], keys: Index) -> None:
    """Raise CompileError for a head that leads too little, whichever column it finds.

    That is so if each column has a neighbour, with another sign in one code dimension only, and no
    query is large enough there for its score to fall by the gap.
    """
    for h, head in enumerate(heads):
        size = np.zeros(keys.dims.shape[2], np.int64)
        size[: len(head.query)] = np.abs(head.query).sum(axis=1)
        most = 2 * size * keys.dims[MAGNITUDE, h]
        weak = np.flatnonzero((most < head.gap) & (keys.dims[BIT, h] > 0))
        bits = int((keys.dims[BIT, h] > 0).sum())
        alone = False
        for members, start in keys.group[keys.groups[h] : keys.groups[h + 1]].tolist():
            own = np.flatnonzero(keys.table[start : start + (1 << bits)] != NOBODY)
            beside = own[:, None] ^ keys.dims[BIT, h, weak]
            alone |= members == 0 or not np.isin(beside, own).any(axis=1).all()
        if not alone:
            share = most[weak].min() / head.gap
            raise CompileError(
                f"head {head.number} leads by {share:.2g} of what makes its softmax one-hot"
            )


def _table(codes: Int32s, members: Ints, bits: int) -> Int32s:
    table = np.full(1 << bits, NOBODY, np.int32)
    table[codes[members]] = members
    found, counts = np.unique(codes[members], return_counts=True)
    table[found[counts > 1]] = AMBIGUOUS
    return table
