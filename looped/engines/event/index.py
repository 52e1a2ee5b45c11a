"""Index: from the code of a key to its column, and from the code of a query to its column.

`looped.analysis.keys` indexes the keys of a stream's columns, and in the same way their queries.
This file lays the codes and groups of all heads out as flat arrays for the compiled passes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from looped.analysis.grid import Ints
from looped.analysis.keys import NOBODY, KeyCodes
from looped.analysis.model import Head
from looped.engines.event.alike import Alike
from looped.errors import CompileError

__all__ = [
    "BIT",
    "CLEARANCE",
    "MAGNITUDE",
    "MEMBERS",
    "START",
    "Index",
    "check_margins",
    "index_columns",
]

MAGNITUDE, BIT, CLEARANCE = 0, 1, 2
MEMBERS, START = 0, 1

_MOST_CODE_DIMS = 24
"""Tables of 4 bytes an entry take 64 MB for each group of each head, and 1 MB with 65,536 words."""

_FAR = 1 << 29
"""Beyond every product of a query and a key: scores are below 2^24."""

Int32s = npt.NDArray[np.int32]


class Index(NamedTuple):
    """Tables for one side (keys or queries) of every head of a stream.

    For each head and dimension, `dims` has the MAGNITUDE and the BIT in the code, both zero unless
    it is a code dimension, and a CLEARANCE, which is zero if it is one and very large otherwise.
    Column c is in group `member[c, h]`. Head h has the groups `groups[h]` to `groups[h + 1]`. Group
    g has the constants `constant[g]`; `group[g]` holds its number of MEMBERS and the START of its
    entries in `table`.
    """

    dims: Int32s
    groups: Ints
    group: Ints
    constant: Int32s
    member: npt.NDArray[np.int16]
    table: Int32s


def index_columns(rows: Sequence[Ints], stream: Alike, dims: int) -> Index:
    """Index the columns of a stream by the values of rows (dims, d_model) per head.

    A head with fewer than `dims` dimensions gets zeros for the rest. Raises CompileError if a head
    has too many code dimensions or groups for its tables.
    """
    made: dict[bytes, KeyCodes] = {}
    codes = []
    for matrix in rows:
        own = matrix.tobytes()
        if own not in made:
            made[own] = stream.codes(matrix, _MOST_CODE_DIMS)
        codes.append(made[own])
    return _laid_out(codes, len(stream), dims)


def _laid_out(codes: Sequence[KeyCodes], columns: int, dims: int) -> Index:
    """The codes of all heads as flat arrays."""
    magnitude, bit = (np.zeros((len(codes), dims), np.int32) for _ in range(2))
    members = np.zeros((columns, len(codes)), np.int16)
    groups, group, start = [0], list[tuple[int, int]](), 0
    constants, tables = list[Int32s](), list[Int32s]()
    for h, head in enumerate(codes):
        magnitude[h, : len(head.magnitude)] = head.magnitude
        bit[h, np.flatnonzero(head.coded)] = 1 << np.arange(int(head.coded.sum()))
        for each in head.groups:
            members[each.members, h] = len(group)
            group.append((len(each.members), start))
            constant = np.zeros(dims, np.int32)
            constant[: len(each.constant)] = each.constant
            constants.append(constant)
            tables.append(each.table.astype(np.int32))
            start += len(each.table)
        groups.append(len(group))
    return Index(
        np.array([magnitude, bit, np.where(bit > 0, 0, _FAR)], np.int32),
        np.array(groups, np.int64),
        np.array(group, np.int64).reshape(-1, 2),
        np.array(constants, np.int32).reshape(-1, dims),
        members,
        np.concatenate([*tables, np.zeros(0, np.int32)]),
    )


def check_margins(heads: Sequence[Head], keys: Index) -> None:
    """Raise CompileError for a head whose margin is too small for every column that it attends to.

    It is too small if each column has a neighbour, which differs in the sign of one code dimension
    only, and no query is so large in that dimension that the scores differ by the margin.
    """
    for h, head in enumerate(heads):
        size = np.zeros(keys.dims.shape[2], np.int64)
        size[: len(head.query)] = np.abs(head.query).sum(axis=1)
        most = 2 * size * keys.dims[MAGNITUDE, h]
        weak = np.flatnonzero((most < head.margin) & (keys.dims[BIT, h] > 0))
        bits = int((keys.dims[BIT, h] > 0).sum())
        alone = False
        for members, start in keys.group[keys.groups[h] : keys.groups[h + 1]].tolist():
            there = keys.table[start : start + (1 << bits)] != NOBODY
            own = np.flatnonzero(there)
            beside = own[:, None] ^ keys.dims[BIT, h, weak]
            alone |= members == 0 or not there[beside].any(axis=1).all()
        if not alone:
            share = most[weak].min() / head.margin
            raise CompileError(
                f"the margin of head {head.number} is {share:.2g} of what a one-hot softmax needs"
            )
