"""One pass over the dirty columns, compiled.

A column is *clean* if its last evaluation, a whole pass, left it unchanged, and nothing that it
depends on has changed since: its own lanes, the columns that its heads attend to (their *targets*),
and the keys of other columns. All other columns are *dirty*, and each pass evaluates them in full.
If a result may be inexact, the pass is abandoned, and the state stays as it was before the pass.

Compiled functions get plain tuples of arrays, in the order of the fields of `tables.Tables` and
`columns.Columns`. numba's cache notices changes only in the file of the cached function and in its
closure. So the closure of `advance` contains a digest of all files with compiled code.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from numba import njit

from looped.analysis import keys
from looped.engines.event.attention import attend, mark_dirty, note_flips, wake_attenders
from looped.engines.event.columns import (
    ATTENDED_BY,
    COLUMN,
    INDEXED,
    PLACE,
    SCORE,
    STATE,
    STAYS_DIRTY,
    TARGET,
    WINNER,
    WORK,
)  # fmt: skip
from looped.engines.event.kernels import (
    OPTIONS,
    add_forms,
    clear,
    copy_row,
    flip,
    inlined,
    same_lanes,
)
from looped.engines.event.tables import DOWN, GATES, LINEAR, PRODUCTS, QUERY, UPS

__all__ = ["SOURCES", "advance"]

SOURCES = ("attention", "columns", "index", "kernels", "passes", "tables")
"""The files of this package whose functions and constants are compiled into `advance`."""


@inlined
def _transform(block, banks, mlps, targets, columns, known, buffers):
    """The MLP of a block in all dirty columns; False if a lane would leave ±1."""
    start, chunk, table = banks
    first, mlp, masks, unit, term, weight = mlps
    lanes, dirty, _, _, _, _, count, _, kind = columns
    seen, cached_winner, adds_nothing = known
    sums, hidden, _ = buffers
    work = lanes[WORK]
    for at in range(count[0]):
        m = first[block] + kind[dirty[COLUMN, at], block]
        idle = 2 * cached_winner.shape[0] + m
        if adds_nothing[idle] and same_lanes(work, at, seen, idle, masks, m):
            continue
        clear(sums)
        add_forms(start, chunk, table, mlp[m, 0], work, at, sums)
        for u in range(mlp[m, PRODUCTS]):
            hidden[u] = max(sums[u], np.int32(0)) * sums[mlp[m, UPS] + u]
        for u in range(mlp[m, PRODUCTS], mlp[m, GATES]):
            hidden[u] = max(sums[u], np.int32(0))
        for i in range(mlp[m, DOWN], mlp[m, DOWN + 1]):
            sums[term[i]] += weight[i] * hidden[unit[i]]
        if not note_flips(targets, first.shape[0] - 1 + m, sums, mlp[m, LINEAR], lanes, at):
            return False
        if flip(lanes, at):
            dirty[STAYS_DIRTY, at] = 1
        elif not adds_nothing[idle]:
            adds_nothing[idle] = True
            copy_row(seen, idle, work, at)
    return True


@inlined
def _commit(masks, member, columns):
    """Commit a pass: dirty columns that it did not change become clean, unless they must stay."""
    lanes, dirty, edge, head_state, _, _, count, lowest, _ = columns
    kept = 0
    for at in range(count[0]):
        c = np.int64(dirty[COLUMN, at])
        copy_row(lanes[STATE], c, lanes[WORK], at)
        stays = dirty[STAYS_DIRTY, at] != 0
        for h in range(edge.shape[1]):
            if not stays:
                stays = not same_lanes(lanes[WORK], at, lanes[INDEXED], c, masks, 3 * h + QUERY)
        if stays:
            dirty[COLUMN, kept], dirty[PLACE, c], dirty[STAYS_DIRTY, kept] = c, kept, 0
            copy_row(lanes[WORK], kept, lanes[STATE], c)
            kept += 1
            continue
        dirty[PLACE, c] = -1
        for h in range(edge.shape[1]):
            target, g = head_state[at, h, WINNER], member[c, h]
            edge[c, h, TARGET] = target
            edge[target, h, ATTENDED_BY] += 1
            lowest[g] = min(lowest[g], np.int64(edge[c, h, SCORE]))
    count[0] = kept


@inlined
def _matches(row, places, patterns):
    """Whether packed lanes, those under a mask, are one of the patterns."""
    for p in range(patterns.shape[0]):
        same = True
        for w in range(places.shape[0]):
            same &= row[w] & places[w] == patterns[p, w]
        if same:
            return True
    return False


def _digest() -> int:
    """A number that changes with the text of any file that is compiled into `advance`."""
    paths = [Path(keys.__file__), *(Path(__file__).with_name(f"{name}.py") for name in SOURCES)]
    text = b"".join(path.read_bytes() for path in paths)
    return int.from_bytes(hashlib.sha256(text).digest()[:7], "big")


def _cached_for(digest):
    """`advance`, cached for this text of its sources."""

    @njit(nogil=True, cache=True, **OPTIONS)
    def advance(
        banks, heads, mlps, targets, keys, queries, columns, known, buffers,
        changed, loops, watched, stops, mid_instruction, places, patterns,
    ):  # fmt: skip
        """Pass until `loops` passes count or one stops; returns how many count, and whether the
        next pass was abandoned.

        A pass that leaves a lane of `stops` in column `watched` at +1 counts and is the last one.
        Another pass that leaves a lane of `mid_instruction` there at +1 does not count. One that
        counts is the last one if it leaves `places` there like a row of `patterns`. It also returns
        after many passes that do not count.

        `changed` lists the columns whose lanes the host has changed since the last pass.
        """
        lanes, dirty, edge, _, _, _, count, _, _ = columns
        state = lanes[STATE]
        for i in range(changed.shape[0]):
            at = mark_dirty(lanes, dirty, edge, count, changed[i])
            copy_row(lanes[WORK], at, state, changed[i])
        done = 0 * digest
        most = min(loops, 1) * (256 * loops + 4096)  # so that it returns, see native._MOST_PASSES
        for _ in range(most):
            for block in range(heads[0].shape[0] - 1):
                if not wake_attenders(block, banks, heads, queries, columns):
                    return done, True
                if not attend(block, banks, heads, targets, keys, columns, known, buffers):
                    return done, True
                if not _transform(block, banks, mlps, targets, columns, known, buffers):
                    return done, True
            _commit(heads[2], queries[4], columns)
            stop = quiet = False
            for w in range(stops.shape[0]):
                stop |= state[watched, w] & stops[w] != 0
                quiet |= state[watched, w] & mid_instruction[w] != 0
            if stop or not quiet:
                done += 1
                stop |= _matches(state[watched], places, patterns)
            if stop or done == loops:
                break
        return done, False

    return advance


advance = _cached_for(_digest())
