"""Columns that are alike: what each of them attends to, shown once for a whole group.

A group is *idle* if a pass changes none of its columns, whatever the lanes that vary in them are,
unless the key of another column comes between. In each head one of two things holds of it.

- All its queries are equal. Then its columns attend to the same column, which each pass looks for.
- A column's query is its own code, in static lanes: the score of columns c and c' of the group is
  Σ m_l·x_l(c)·x_l(c') over some lanes, all m_l positive, plus a constant. No two columns have the
  same signs there. So each attends to itself, and the score of any other is at least 2·min m_l
  less. So is that of all columns of other groups, by a bound on their scores.

What a column adds to itself in the second kind of heads must be a constant in each block. A pass
checks that it is the opposite of what the first kind adds. The MLPs add nothing (`Tables.idle`).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from looped.analysis.grid import Floats, Ints
from looped.artefact.residual import Residual
from looped.engines.array.index import Index, index_of
from looped.engines.array.tables import BlockTable, HeadTable, Singles, Tables

__all__ = ["Forms", "Group", "InBlock", "InHead", "Own", "idle_groups"]


class Forms(NamedTuple):
    """Queries or keys of a group: `constant` + the signs of `lanes` times `matrix` (lanes, dims).

    `by_signs` leads from the signs to a column; it is None if they do not tell columns apart.
    """

    lanes: Ints
    matrix: Singles
    constant: Singles
    by_signs: Index | None


class Own(NamedTuple):
    """Queries with which each column attends to itself, by a score."""

    query: Forms
    score: float


class InHead(NamedTuple):
    """A group in one head: its keys, and what it attends to: itself, or the winner of `query`."""

    keys: Forms
    own: Own | None
    query: Singles


class InBlock(NamedTuple):
    """A group in the heads of one block; `added` is what each column adds to itself there, in the
    lanes that the heads write."""

    heads: tuple[InHead, ...]
    added: Singles


class Group(NamedTuple):
    """An idle group: its number in the premise, and what it does in each block."""

    number: int
    blocks: tuple[InBlock, ...]


def idle_groups(tables: Tables, x: Residual) -> list[Group]:
    """The groups of columns in a stream that are idle."""
    groups = []
    for number in np.flatnonzero(tables.idle).tolist():
        blocks = [_in_block(block, tables, x, number) for block in tables.blocks]
        if all(block is not None for block in blocks):
            groups.append(Group(number, tuple(block for block in blocks if block is not None)))
    while True:
        apart = [g for g in groups if all(_prevails(tables, g, o) for o in groups if o is not g)]
        if len(apart) == len(groups):
            return groups
        groups = apart


def _in_block(block: BlockTable, tables: Tables, x: Residual, number: int) -> InBlock | None:
    """A group in a block, None if it may not be idle."""
    known = tables.premise.known[tables.premise.groups[number][0]]
    added = np.zeros((1 + len(known), len(block.writes)))
    heads = []
    for head in block.heads:
        found = _in_head(head, tables, x, number)
        if found is None:
            return None
        heads.append(found)
        if found.own is not None:
            places = np.searchsorted(block.writes, head.writes)
            added[np.ix_(head.reads, places)] += head.ov * (known[head.reads] == 0)[:, None]
            added[-1, places] += known[head.reads] @ head.ov
    if added[:-1].any():
        return None
    return InBlock(tuple(heads), added[-1].astype(np.float32))


def _in_head(head: HeadTable, tables: Tables, x: Residual, number: int) -> InHead | None:
    """A group in a head, None if it may not be idle."""
    query, key = (_forms(matrix, tables, x, number) for matrix in (head.query, head.key))
    if key is None or query is None:
        return None
    if not len(query.lanes):
        return InHead(key, None, query.constant)
    factors = _doubles(query.matrix) @ _doubles(key.matrix).T
    same = query.lanes[:, None] == key.lanes
    sizes = (factors * same).sum(axis=1)
    alone = _doubles(query.matrix) @ _doubles(key.constant)
    beside = _doubles(query.constant) @ _doubles(key.matrix).T
    if factors[~same].any() or alone.any() or beside.any():
        return None
    if query.by_signs is None or not 0 < head.margin <= 2 * sizes.min():
        return None
    score = sizes.sum() + float(_doubles(query.constant) @ _doubles(key.constant))
    return InHead(key, Own(query, score), query.constant)


def _forms(matrix: Singles, tables: Tables, x: Residual, number: int) -> Forms | None:
    """Queries or keys (d_model, dims) of a group; None if lanes that change are in them."""
    premise = tables.premise
    known = premise.known[premise.groups[number][0]]
    lanes = np.flatnonzero((known == 0) & matrix.any(axis=1))
    if not tables.static[lanes].all():
        return None
    columns = None if number == 0 and premise.alike else premise.columns(number)
    constant = known.astype(np.float32) @ matrix
    return Forms(lanes, matrix[lanes], constant, index_of(x, columns, lanes))


def _prevails(tables: Tables, group: Group, other: Group) -> bool:
    """Whether the columns of a group that attend to themselves never attend to another group."""
    for block, mine, theirs in zip(tables.blocks, group.blocks, other.blocks, strict=True):
        for head, own, keys in zip(block.heads, mine.heads, theirs.heads, strict=True):
            if own.own is not None:
                most = _most(own.own.query, keys.keys)
                if most > own.own.score - head.margin:
                    return False
    return True


def _most(query: Forms, key: Forms) -> float:
    """A bound on the scores of some queries and keys."""
    parts = [
        np.abs(_doubles(a) @ _doubles(b).T).sum()
        for a, b in (
            (query.matrix, key.matrix),
            (query.matrix, key.constant),
            (query.constant, key.matrix),
        )
    ]
    return float(sum(parts) + _doubles(query.constant) @ _doubles(key.constant))


def _doubles(matrix: Singles) -> Floats:
    return matrix.astype(np.float64)
