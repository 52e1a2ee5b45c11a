"""One pass over the columns that may change, in NumPy.

A pass evaluates the *dirty* columns in full: those that no group of idle ones contains, and those
that are astray. All others stay as they are (see `looped.engines.array.alike`), unless a key of a
dirty column *wakes* one: the one that may now attend to it. Where dirty columns attend to follows
from their own scores, and from the codes of the others.

`looped.engines.event` does much the same, compiled.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from looped.analysis.grid import Ints
from looped.engines.array.alike import InHead
from looped.engines.array.columns import Columns
from looped.engines.array.tables import BlockTable, HeadTable, MlpTable, Singles, Tables

__all__ = ["Uncertain", "one_pass"]

_MANY = 64
"""From so many columns on, equal ones are found first: workers have much in common."""


class Uncertain(Exception):
    """A pass that may not be exact: a head without a clear winner, or a lane that leaves ±1."""


class _Pass:
    """The dirty columns in mid-pass: their numbers and their lanes `work` (dirty, d_model)."""

    def __init__(self, columns: Columns) -> None:
        self.columns = columns
        self.dirty = columns.dirty()
        self.work = columns.rows(self.dirty).astype(np.float32)
        self.place = {column: place for place, column in enumerate(self.dirty.tolist())}
        self.changed = np.zeros(len(self.dirty), np.bool_)

    def wake(self, woken: list[int]) -> None:
        """Evaluate these columns as well, from here on: so far they are as they were."""
        for column in woken:
            self.place[column] = len(self.place)
        new = np.array(woken, np.intp)
        self.dirty = np.append(self.dirty, new)
        self.work = np.concatenate([self.work, self.columns.rows(new).astype(np.float32)])
        self.changed = np.append(self.changed, np.zeros(len(new), np.bool_))

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
        self.changed[some] |= flips.any(axis=1)


def one_pass(tables: Tables, columns: Columns) -> Ints:
    """Pass the columns through all blocks; returns those that may have changed.

    Raises Uncertain, and leaves the columns as they are, if the result may not be exact.
    """
    state = _Pass(columns)
    for number, block in enumerate(tables.blocks):
        groups = [group.blocks[number] for group in columns.groups]
        heads = [[group.heads[n] for group in groups] for n in range(len(block.heads))]
        for head, seen in zip(block.heads, heads, strict=True):
            for own in seen:
                _wake(head, own, state)
        sums = np.zeros((len(state.dirty) + len(groups), len(block.writes)), np.float32)
        for row, group in enumerate(groups, len(state.dirty)):
            sums[row] = group.added
        for head, seen in zip(block.heads, heads, strict=True):
            places = np.searchsorted(block.writes, head.writes)
            rows, added = _attend(head, seen, state)
            sums[rows[:, None], places] += added
        if sums[len(state.dirty) :].any():
            raise Uncertain
        state.add(np.arange(len(state.dirty)), block.writes, sums[: len(state.dirty)], block.ov_one)
        _transform(block, state, tables)
    changed = np.flatnonzero(state.changed)
    for place, column in zip(changed.tolist(), state.dirty[changed].tolist(), strict=True):
        columns.set(column, state.work[place].astype(np.int8))
    return state.dirty[changed]


def _wake(head: HeadTable, group: InHead, state: _Pass) -> None:
    """Wake the columns of a group that may attend to a dirty column instead of themselves.

    Raises Uncertain if there may be others than those whose code is that of a dirty column's key.
    """
    if group.own is None:
        return
    query, limit = group.own.query, group.own.score - head.margin
    keys = state.work @ head.key
    parts = keys @ query.matrix.T
    sizes = np.abs(parts)
    most = sizes.sum(axis=1) + keys @ query.constant
    near = np.flatnonzero(most > limit)
    if not len(near):
        return
    if (most[near] - 2 * sizes[near].min(axis=1) > limit).any():
        raise Uncertain
    assert query.by_signs is not None
    found = query.by_signs.find(parts[near] > 0).tolist()
    woken = sorted({column for column in found if column >= 0 and column not in state.place})
    if woken:
        state.wake(woken)


def _attend(head: HeadTable, groups: list[InHead], state: _Pass) -> tuple[Ints, Singles]:
    """What a head adds to the dirty columns, then to groups whose columns have equal queries.

    Returns their rows, and what is added to the lanes that the head writes. Raises Uncertain unless
    each has a clear winner.
    """
    count = len(state.dirty)
    parked = [number for number, group in enumerate(groups) if group.own is None]
    queries = np.concatenate([state.work @ head.query, *(groups[n].query[None] for n in parked)])
    scores = queries @ (state.work @ head.key).T
    every = np.arange(len(queries))
    at = scores.argmax(axis=1)
    best = scores[every, at]
    scores[every, at] = -np.inf
    rest = scores.max(axis=1, initial=-np.inf)
    read = state.work[at[:, None], head.reads]
    for group in groups:
        keys = group.keys
        parts = queries @ keys.matrix.T
        sizes = np.abs(parts)
        most = sizes.sum(axis=1) + queries @ keys.constant
        if keys.by_signs is None:
            rest = np.maximum(rest, most)
            continue
        found = keys.by_signs.find(parts > 0)
        idle = np.array([column not in state.place for column in found.tolist()]) & (found >= 0)
        rest = np.maximum(rest, most - 2 * sizes.min(axis=1))
        rest = np.maximum(rest, np.where(idle, np.minimum(best, most), -np.inf))
        for row in np.flatnonzero(idle & (most > best)).tolist():
            read[row] = state.columns.row(int(found[row]))[head.reads]
            best[row] = most[row]
    if not (best - rest >= head.margin).all():
        raise Uncertain
    rows = np.concatenate([np.arange(count), count + np.array(parked, np.intp)])
    return rows, read @ head.ov


def _transform(block: BlockTable, state: _Pass, tables: Tables) -> None:
    """The MLP of a block in all dirty columns."""
    kinds = block.kind[[tables.premise.row(column) for column in state.dirty.tolist()]]
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
    hidden = np.maximum(mlp.gate.of(x) + mlp.gate_constant, 0).astype(np.float64)
    hidden[:, : len(mlp.up_constant)] *= mlp.up.of(x) + mlp.up_constant
    sums: npt.NDArray[np.float64] = mlp.linear.of(x) + mlp.linear_constant + mlp.down.of(hidden)
    return sums
