"""One pass over the columns that may change, in NumPy.

A column is *clean* if its last evaluation, a whole pass, left it unchanged in every block, and
nothing that it depends on has changed since: its own lanes, the key and the values of the columns
that its heads attend to, the keys of all others. All other columns are *dirty*. A pass evaluates
the dirty ones in full. For every head it compares their keys with the queries of all clean columns,
and wakes those that may now attend to another column, or to one that has changed.

`looped.engines.event` does the same, compiled, with an index instead of all scores.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from looped.analysis.grid import Ints
from looped.analysis.keys import key_codes
from looped.engines.array.tables import BlockTable, HeadTable, MlpTable, Singles, Tables
from looped.errors import CompileError

__all__ = ["Columns", "Uncertain", "one_pass"]

_MOST_SCORES = 1 << 22
"""Up to so many scores at once, 16 MB; more come from an index of the keys. Only the first pass of
a large memory has as many."""

_MANY = 64
"""From so many columns on, equal ones are found first: most words of a large memory are zero."""

_MOST_BITS = 20
"""Bits of a code in such an index."""

_FEW = 16
"""The scores of groups of so few columns are computed, those of others are bounded by the index.
Memory, registers, the CPU and the input are groups."""


class Uncertain(Exception):
    """A pass that may not be exact: a head without a clear winner, or a lane that leaves ±1."""


@dataclass
class _Known:
    """What is known of the columns in one head.

    `target` (columns,) is what a clean column attends to, -1 for a dirty one, by the `score`.
    `query` and `key` (columns, dims) hold for clean columns. `seen` has the lanes that the head
    reads from a column, as clean columns other than itself have read them.
    """

    query: Singles
    key: Singles
    score: Singles
    target: Ints
    seen: dict[int, Singles] = field(default_factory=dict)


class _Heard(NamedTuple):
    """The attention of the dirty columns in one head, until the pass is committed."""

    query: Singles
    key: Singles
    winner: Ints
    score: Singles
    rows: dict[int, Singles]


class Columns:
    """The columns of a stream, (columns, d_model), all dirty at first."""

    def __init__(self, tables: Tables, x: npt.NDArray[np.generic]) -> None:
        self.x = np.array(x, np.float32)
        self.dirty = np.arange(len(x))
        self.known = [[_nothing(head, len(x)) for head in block.heads] for block in tables.blocks]

    def touch(self, column: int) -> None:
        """Make a column dirty."""
        if column not in self.dirty:
            self.dirty = np.append(self.dirty, column)
            for known in self._all_known():
                known.target[column] = -1

    def _all_known(self) -> list[_Known]:
        return [known for block in self.known for known in block]


def _nothing(head: HeadTable, columns: int) -> _Known:
    dims = head.query.shape[1]
    query, key = (np.zeros((columns, dims), np.float32) for _ in range(2))
    return _Known(query, key, np.zeros(columns, np.float32), np.full(columns, -1))


class _Pass:
    """The dirty columns in mid-pass: their numbers and their lanes `work` (dirty, d_model).

    Those that `stay` dirty have changed, or were woken in mid-pass, when some heads had passed.
    """

    def __init__(self, columns: Columns) -> None:
        self.columns = columns
        self.dirty = columns.dirty
        self.work = columns.x[self.dirty]
        self.place = np.full(len(columns.x), -1)
        self.place[self.dirty] = np.arange(len(self.dirty))
        self.stays = np.zeros(len(self.dirty), np.bool_)

    def wake(self, woken: Ints) -> None:
        """Evaluate these clean columns as well, from here on: so far they are as they were."""
        columns = self.columns
        columns.dirty = np.append(self.dirty, woken)
        self.place[woken] = np.arange(len(self.dirty), len(columns.dirty))
        self.dirty = columns.dirty
        self.work = np.concatenate([self.work, columns.x[woken]])
        self.stays = np.append(self.stays, np.ones(len(woken), np.bool_))
        for known in columns._all_known():
            known.target[woken] = -1

    def rows(self, chosen: Ints, lanes: Ints) -> Singles:
        """Some lanes of some columns, dirty or clean, (chosen, lanes)."""
        rows = self.columns.x[chosen[:, None], lanes]
        places = self.place[chosen]
        own = places >= 0
        rows[own] = self.work[places[own][:, None], lanes]
        return rows

    def add(self, some: Ints, lanes: Ints, sums: npt.NDArray[np.floating], one: int) -> None:
        """Add sums to some lanes of some dirty columns; `one` stands for 1. Raises Uncertain."""
        if not sums.any():
            return
        places = np.ix_(some, lanes)
        before = self.work[places]
        if not ((sums == 0) | (sums == -2 * one * before)).all():
            raise Uncertain
        flips = sums != 0
        self.work[places] = np.where(flips, -before, before)
        self.stays[some] |= flips.any(axis=1)


def one_pass(tables: Tables, columns: Columns) -> Ints:
    """Pass the columns through all blocks; returns those that may have changed.

    Raises Uncertain, and leaves the lanes as they are, if the result may not be exact.
    """
    state = _Pass(columns)
    heard = []
    for block, known in zip(tables.blocks, columns.known, strict=True):
        for head, own in zip(block.heads, known, strict=True):
            _wake_attenders(head, own, state)
        found = [_attend(h, k, state) for h, k in zip(block.heads, known, strict=True)]
        _add_heads(block, found, state)
        _transform(block, state)
        heard.append(found)
    return _commit(columns, state, heard)


def _wake_attenders(head: HeadTable, known: _Known, state: _Pass) -> None:
    """Wake the clean columns that the keys and values of the dirty columns affect."""
    clean = known.target >= 0
    if not clean.any():
        return
    keys = state.work @ head.key
    scores = known.query @ keys.T
    woken = clean & (scores > (known.score - head.margin)[:, None]).any(axis=1)
    places = np.where(clean, state.place[known.target], -1)
    attends = np.flatnonzero(places >= 0)
    if len(attends):
        at = places[attends]
        beside = scores[attends]
        same = beside[np.arange(len(at)), at] == known.score[attends]
        beside[np.arange(len(at)), at] = -np.inf
        near = (beside > (known.score[attends] - head.margin)[:, None]).any(axis=1)
        woken[attends] = near | ~same
        for place in set(at.tolist()):
            column = int(state.dirty[place])
            read = known.seen.get(column)
            if read is not None and (state.work[place, head.reads] != read).any():
                woken |= known.target == column
    if woken.any():
        state.wake(np.flatnonzero(woken))


def _attend(head: HeadTable, known: _Known, state: _Pass) -> _Heard:
    """What the dirty columns attend to. Raises Uncertain unless each has a clear winner."""
    queries, keys = state.work @ head.query, state.work @ head.key
    known.key[state.dirty] = keys
    if queries.shape[0] * len(known.key) > _MOST_SCORES:
        winner, best, rest = _by_index(queries, known.key)
    else:
        scores = queries @ known.key.T
        every = np.arange(len(queries))
        winner = scores.argmax(axis=1)
        best = scores[every, winner]
        scores[every, winner] = -np.inf
        rest = scores.max(axis=1, initial=-np.inf)
    if not (best - rest >= head.margin).all():
        raise Uncertain
    others = sorted(set(winner[winner != state.dirty].tolist()))
    rows = dict(zip(others, state.rows(np.array(others, int), head.reads), strict=True))
    return _Heard(queries, keys, winner, best, rows)


def _by_index(queries: Singles, keys: Singles) -> tuple[Ints, Singles, Singles]:
    """Winners, their scores, and bounds on all others. Raises Uncertain if keys have no index."""
    try:
        codes = key_codes(keys.astype(np.float64), np.arange(len(keys)), _MOST_BITS)
    except CompileError:
        raise Uncertain from None
    large = tuple(group for group in codes.groups if len(group.members) > _FEW)
    winner, best, rest = replace(codes, groups=large).answer(queries.astype(np.float64))
    few = [column for g in codes.groups if len(g.members) <= _FEW for column in g.members.tolist()]
    for column, score in zip(few, (queries @ keys[few].T).T, strict=True):
        rest = np.maximum(rest, np.minimum(best, score))
        winner = np.where(score > best, column, winner)
        best = np.maximum(best, score)
    return winner, best.astype(np.float32), rest.astype(np.float32)


def _add_heads(block: BlockTable, heard: list[_Heard], state: _Pass) -> None:
    """Add what all heads of a block add."""
    sums = np.zeros((len(state.dirty), len(block.writes)), np.float32)
    for head, found in zip(block.heads, heard, strict=True):
        added = state.rows(found.winner, head.reads) @ head.ov
        sums[:, np.searchsorted(block.writes, head.writes)] += added
    state.add(np.arange(len(state.dirty)), block.writes, sums, block.ov_one)


def _transform(block: BlockTable, state: _Pass) -> None:
    """The MLP of a block in all dirty columns."""
    kinds = block.kind[state.dirty]
    for kind, mlp in enumerate(block.mlps):
        some = np.flatnonzero(kinds == kind)
        if len(mlp.writes) and len(some):
            sums = _shared_sums(mlp, state.work[np.ix_(some, mlp.reads)])
            state.add(some, mlp.writes, sums, block.down_one)


def _shared_sums(mlp: MlpTable, x: Singles) -> npt.NDArray[np.float64]:
    """What an MLP adds to its lanes; if columns are many, once for those with equal lanes."""
    if len(x) < _MANY:
        return _mlp_sums(mlp, x)
    packed = np.ascontiguousarray(np.packbits(x > 0, axis=1))
    rows = packed.view([("", f"V{packed.shape[1]}")])[:, 0]
    _, first, same = np.unique(rows, return_index=True, return_inverse=True)
    return _mlp_sums(mlp, x[first])[same]


def _mlp_sums(mlp: MlpTable, x: Singles) -> npt.NDArray[np.float64]:
    """What an MLP adds to its lanes in columns with the lanes `x` (columns, lanes read)."""
    hidden = np.maximum(x @ mlp.gate + mlp.gate_constant, 0).astype(np.float64)
    hidden[:, : mlp.up.shape[1]] *= x @ mlp.up + mlp.up_constant
    sums: npt.NDArray[np.float64] = x @ mlp.linear + mlp.linear_constant + hidden @ mlp.down
    return sums


def _commit(columns: Columns, state: _Pass, heard: list[list[_Heard]]) -> Ints:
    """Keep the result of a pass; columns that it did not change become clean."""
    columns.x[state.dirty] = state.work
    stays = state.stays
    pairs = list(zip(columns._all_known(), [h for block in heard for h in block], strict=True))
    for known, found in pairs:
        for column, row in found.rows.items():
            attends = known.target == column
            attends[column] = False
            if attends.any() and (known.seen[column] != row).any():
                stays[: len(found.winner)] |= found.winner == column
            else:
                known.seen[column] = row
    at = np.flatnonzero(~stays)
    clean = state.dirty[at]
    for known, found in pairs:
        known.query[clean], known.score[clean] = found.query[at], found.score[at]
        known.target[clean] = found.winner[at]
    columns.dirty = state.dirty[stays]
    return state.dirty
