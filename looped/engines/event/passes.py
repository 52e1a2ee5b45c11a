"""One pass over the columns that matter, compiled.

A column is *cold* if nothing in a whole pass changed it when it was last evaluated, and nothing it
depends on has changed since: not its own lanes, not the column that each of its heads found (its
*home*), not the keys of others. All other columns are *hot* and evaluated in full. In every pass

- the key of each hot column is compared with the one in the index. If it differs it is *loose*: the
  query that it could win is looked up, and the cold column that asks so is woken if it does win;
- if a hot column has another key or other values than those whose home it is have found, they are
  woken;
- each hot column's heads are answered from the index and the loose keys, and the winner must lie
  above the bound for all others by more than the gap at which softmax is one-hot.

Where any of this cannot be shown the pass is given up, with the state as it was before it.

All compiled functions are in this file, since numba's cache looks at no other for changes. They are
given arrays in plain tuples, whose order is that of `tables.Tables` and `columns.Columns`. Indices
in inner loops are unsigned, so that the compiler need not mind negative ones and takes eight
numbers at a time. Nothing is allocated, so numba's runtime is left out (`_nrt`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from looped.engines.event.columns import (
    CARRIED,
    COLUMN,
    DEPENDENTS,
    FAR,
    FLIPS,
    HOME,
    LOOSE,
    ORIGIN,
    PLACE,
    SCORE,
    STATE,
    STAYS,
    STRAYED,
    WON,
    WORK,
)
from looped.engines.event.index import AMBIGUOUS, BIT, CLEARANCE, MAGNITUDE, MEMBERS, NOBODY, START
from looped.engines.event.tables import DOWN, GAP, GATES, KEY, LINEAR, MOVED, PRODUCTS, QUERY, UPS

__all__ = ["advance"]

_OPTIONS: dict[str, Any] = {"cache": True, "_nrt": False}
_compiled = njit(**_OPTIONS)
_part = njit(inline="always", **_OPTIONS)
_leaf = njit(forceinline=True, **_OPTIONS)


@_leaf
def _add_forms(start, chunk, table, k, x, at, out):
    """Add the forms of bank k, of the lanes packed in row `at` of x, to `out`."""
    for i in range(start[k], start[k + 1]):
        first, count = chunk[i, 3], chunk[i, 4]
        row = chunk[i, 5] + ((x[at, chunk[i, 0]] >> chunk[i, 1]) & chunk[i, 2]) * count
        for j in range(count):
            out[first + j] += table[row + j]


@_leaf
def _clear(numbers):
    for i in range(np.uint64(numbers.shape[0])):
        numbers[i] = 0


@_leaf
def _all_zero(numbers):
    zero = True
    for i in range(np.uint64(numbers.shape[0])):
        zero &= numbers[i] == 0
    return zero


@_leaf
def _copy(x, i, y, j):
    """Row j of y to row i of x."""
    for w in range(x.shape[1]):
        x[i, w] = y[j, w]


@_leaf
def _same(x, i, y, j, masks, m):
    """Whether row i of x and row j of y have equal lanes where mask m has ones."""
    different = np.uint64(0)
    for w in range(x.shape[1]):
        different |= (x[i, w] ^ y[j, w]) & masks[m, w]
    return different == 0


@_leaf
def _flip(lanes, at):
    """Carry out the flips of a hot column; whether there are any."""
    changed = False
    for w in range(lanes.shape[2]):
        flips = lanes[FLIPS, at, w]
        lanes[WORK, at, w] ^= flips
        changed |= flips != 0
    return changed


@_compiled
def _wake(lanes, hot, tie, count, c):
    """Make a column hot, if it is not; returns its place among the hot ones."""
    if hot[PLACE, c] >= 0:
        return np.int64(hot[PLACE, c])
    at = count[0]
    count[0] = at + 1
    hot[COLUMN, at], hot[PLACE, c], hot[STAYS, at] = c, at, 0
    for h in range(tie.shape[1]):
        if tie[c, h, HOME] >= 0:
            tie[tie[c, h, HOME], h, DEPENDENTS] -= 1
            tie[c, h, HOME] = -1
    _copy(lanes[WORK], at, lanes[STATE], c)
    return at


@_leaf
def _address(dims, h, vector):
    """The score of the column that has the signs of a vector in the code dimensions, its code, and
    half the least difference to any other column of its group."""
    score, code, margin = np.int32(0), np.int32(0), np.int32(1 << 30)
    for d in range(np.uint64(vector.shape[0])):
        size = np.int32(abs(vector[d]) * dims[MAGNITUDE, h, d])
        score = np.int32(score + size)
        margin = min(margin, np.int32(size + dims[CLEARANCE, h, d]))
        code = np.int32(code + (dims[BIT, h, d] if vector[d] > 0 else np.int32(0)))
    return np.int64(score), np.int64(code), np.int64(margin)


@_leaf
def _dot(x, i, y):
    total = np.int32(0)
    for d in range(np.uint64(y.shape[0])):
        total = np.int32(total + x[i, d] * y[d])
    return np.int64(total)


@_part
def _announce(block, banks, heads, queries, columns):
    """What the keys and values of hot columns mean to cold ones; False if that is not certain."""
    start, chunk, table = banks
    first, head, masks = heads
    lanes, hot, tie, found, rover, rover_key, count, least, _ = columns
    for h in range(first[block], first[block + 1]):
        count[1 + h] = 0
    at = 0
    while at < count[0]:
        c = np.int64(hot[COLUMN, at])
        for h in range(first[block], first[block + 1]):
            if not _same(lanes[WORK], at, lanes[ORIGIN], c, masks, 3 * h + KEY):
                # For good: cold columns settle meanwhile, and would have to be asked again.
                tie[c, h, STRAYED] = 1
            loose = tie[c, h, STRAYED] != 0
            found[at, h, LOOSE] = loose
            if tie[c, h, DEPENDENTS] > 0 and (
                loose or not _same(lanes[WORK], at, lanes[CARRIED + h], c, masks, 3 * h + MOVED)
            ):
                for other in range(tie.shape[0]):
                    if tie[other, h, HOME] == c:
                        _wake(lanes, hot, tie, count, other)
            if loose:
                hot[STAYS, at] = 1
                i = count[1 + h]
                rover[h, i], count[1 + h] = at, i + 1
                key = rover_key[h, i]
                _clear(key)
                _add_forms(start, chunk, table, np.uint64(head[h, KEY]), lanes[WORK], at, key)
                if not _capture(h, head[h, GAP], key, queries, lanes, hot, tie, count, least):
                    return False
        at += 1
    return True


@_compiled
def _capture(h, gap, key, queries, lanes, hot, tie, count, least):
    """Wake the cold column that finds a loose key; False if that is not certain."""
    dims, groups, group, constant, _, table = queries
    code_score, code, margin = _address(dims, h, key)
    for g in range(groups[h], groups[h + 1]):
        bound = code_score + _dot(constant, g, key)
        if bound + gap <= least[g]:
            continue
        if bound - 2 * margin + gap > least[g]:
            return False
        c = table[group[g, START] + code]
        if c == AMBIGUOUS:
            return False
        if c != NOBODY and hot[PLACE, c] < 0 and bound + gap > tie[c, h, SCORE]:
            _wake(lanes, hot, tie, count, c)
    return True


@_leaf
def _winner(h, gap, query, keys, hot, found, rover, rover_key, rovers):
    """The column that a query finds, or -1 if that is not certain; its score."""
    dims, groups, group, constant, member, table = keys
    code_score, code, margin = _address(dims, h, query)
    best, rest, winner = np.int64(-FAR), np.int64(-FAR), np.int64(-1)
    for g in range(groups[h], groups[h + 1]):
        firm = group[g, MEMBERS]
        for i in range(rovers):
            if member[hot[COLUMN, rover[h, i]], h] == g:
                firm -= 1
        if firm == 0:
            continue
        score = code_score + _dot(constant, g, query)
        c = np.int64(table[group[g, START] + code])
        if c == AMBIGUOUS:
            rest = max(rest, score)
            continue
        is_firm = c != NOBODY and not (hot[PLACE, c] >= 0 and found[hot[PLACE, c], h, LOOSE])
        if firm > 1 or not is_firm:
            rest = max(rest, score - 2 * margin)
        if is_firm:
            rest = max(rest, min(best, score))
            if score > best:
                best, winner = score, c
    for i in range(rovers):
        score = _dot(rover_key[h], i, query)
        rest = max(rest, min(best, score))
        if score > best:
            best, winner = score, np.int64(hot[COLUMN, rover[h, i]])
    if best - rest < gap:
        return -1, 0
    return winner, best


@_part
def _answer(block, banks, heads, targets, keys, columns, known, buffers):
    """Answer the heads of all hot columns; False if one is not certain."""
    start, chunk, table = banks
    first, head, masks = heads
    lanes, hot, tie, found, rover, rover_key, count, _, _ = columns
    seen, parked, silent = known
    sums, hidden, query = buffers
    work, heads_all = lanes[WORK], head.shape[0]
    for at in range(count[0]):
        c, moves = np.int64(hot[COLUMN, at]), False
        _clear(sums)
        for h in range(first[block], first[block + 1]):
            firm = count[1 + h] == 0
            if firm and parked[h, 0] >= 0 and _same(work, at, seen, h, masks, 3 * h + QUERY):
                winner, score = parked[h, 0], parked[h, 1]
            else:
                _clear(query)
                _add_forms(start, chunk, table, np.uint64(head[h, QUERY]), work, at, query)
                winner, score = _winner(
                    h, head[h, GAP], query, keys, hot, found, rover, rover_key, count[1 + h]
                )
                if winner < 0:
                    return False
                if firm and parked[h, 0] < 0:
                    _copy(seen, h, work, at)
                    parked[h, 0], parked[h, 1] = winner, score
            tie[c, h, SCORE], found[at, h, WON] = score, winner
            place = np.int64(hot[PLACE, winner])
            x, row = (work, place) if place >= 0 else (lanes[STATE], winner)
            if place >= 0 and found[place, h, LOOSE]:
                hot[STAYS, at] = 1
            if winner != c and not hot[STAYS, at]:
                if tie[winner, h, DEPENDENTS] == 0:
                    _copy(lanes[CARRIED + h], winner, x, row)
                elif not _same(x, row, lanes[CARRIED + h], winner, masks, 3 * h + MOVED):
                    hot[STAYS, at] = 1
            mute = heads_all + h
            if silent[mute] and _same(x, row, seen, mute, masks, 3 * h + MOVED):
                continue
            if not silent[mute]:
                _clear(hidden)
                _add_forms(start, chunk, table, np.uint64(head[h, MOVED]), x, row, hidden)
                silent[mute] = _all_zero(hidden)
                _copy(seen, mute, x, row)
            _add_forms(start, chunk, table, np.uint64(head[h, MOVED]), x, row, sums)
            moves = True
        if not moves:
            for w in range(lanes.shape[2]):
                lanes[FLIPS, at, w] = 0
        elif not _toggle(targets, block, sums, np.uint64(0), lanes, at):
            return False
    for at in range(count[0]):
        hot[STAYS, at] |= _flip(lanes, at)
    return True


@_leaf
def _toggle(targets, t, sums, first, lanes, at):
    """Note what sums, from `first` on, flip in a hot column; False if it would no longer be ±1."""
    start, shift, two = targets
    begin, plus, minus = start[t, 0], two[t], -two[t]
    exact, one = True, np.uint64(1)
    for w in range(lanes.shape[2]):
        word, flips = lanes[WORK, at, w], np.uint64(0)
        for j in range(start[t, w], start[t, w + 1]):
            change = sums[first + (j - begin)]
            exact &= change == 0 or change == (minus if (word >> shift[j]) & one else plus)
            flips |= np.uint64(change != 0) << shift[j]
        lanes[FLIPS, at, w] = flips
    return exact


@_part
def _transform(block, banks, mlps, targets, columns, known, buffers):
    """The MLP of a block, for all hot columns; False if one is no longer ±1 afterwards."""
    start, chunk, table = banks
    first, mlp, masks, unit, term, weight = mlps
    lanes, hot, _, _, _, _, count, _, kind = columns
    seen, parked, silent = known
    sums, hidden, _ = buffers
    work = lanes[WORK]
    for at in range(count[0]):
        m = first[block] + kind[hot[COLUMN, at], block]
        idle = 2 * parked.shape[0] + m
        if silent[idle] and _same(work, at, seen, idle, masks, m):
            continue
        _clear(sums)
        _add_forms(start, chunk, table, mlp[m, 0], work, at, sums)
        for u in range(mlp[m, PRODUCTS]):
            hidden[u] = max(sums[u], np.int32(0)) * sums[mlp[m, UPS] + u]
        for u in range(mlp[m, PRODUCTS], mlp[m, GATES]):
            hidden[u] = max(sums[u], np.int32(0))
        for i in range(mlp[m, DOWN], mlp[m, DOWN + 1]):
            sums[term[i]] += weight[i] * hidden[unit[i]]
        if not _toggle(targets, first.shape[0] - 1 + m, sums, mlp[m, LINEAR], lanes, at):
            return False
        if _flip(lanes, at):
            hot[STAYS, at] = 1
        elif not silent[idle]:
            silent[idle] = True
            _copy(seen, idle, work, at)
    return True


@_part
def _settle(masks, member, columns):
    """Commit a pass: hot columns that nothing touched become cold."""
    lanes, hot, tie, found, _, _, count, least, _ = columns
    kept = 0
    for at in range(count[0]):
        c = np.int64(hot[COLUMN, at])
        _copy(lanes[STATE], c, lanes[WORK], at)
        stays = hot[STAYS, at] != 0
        for h in range(tie.shape[1]):
            if not stays:
                stays = not _same(lanes[WORK], at, lanes[ORIGIN], c, masks, 3 * h + QUERY)
        if stays:
            hot[COLUMN, kept], hot[PLACE, c], hot[STAYS, kept] = c, kept, 0
            _copy(lanes[WORK], kept, lanes[STATE], c)
            kept += 1
            continue
        hot[PLACE, c] = -1
        for h in range(tie.shape[1]):
            home, g = found[at, h, WON], member[c, h]
            tie[c, h, HOME] = home
            tie[home, h, DEPENDENTS] += 1
            least[g] = min(least[g], np.int64(tie[c, h, SCORE]))
    count[0] = kept


@njit(nogil=True, **_OPTIONS)
def advance(
    banks, heads, mlps, targets, keys, queries, columns, known, buffers,
    changed, loops, watched, stops, mid_instruction,
):  # fmt: skip
    """Up to `loops` passes, and no more after one that leaves a lane of `stops` in column `watched`
    at +1. Returns how many were done; others that leave a lane of `mid_instruction` there at +1 do
    not count. If they are fewer otherwise, one was given up, or too many did not count.

    `changed` lists columns whose lanes were changed from outside since the last pass.
    """
    lanes, hot, tie, _, _, _, count, _, _ = columns
    state = lanes[STATE]
    for i in range(changed.shape[0]):
        at = _wake(lanes, hot, tie, count, changed[i])
        _copy(lanes[WORK], at, state, changed[i])
    done = 0
    for _ in range(256 * loops):  # so control comes back whatever a model does
        for block in range(heads[0].shape[0] - 1):
            if not _announce(block, banks, heads, queries, columns):
                return done
            if not _answer(block, banks, heads, targets, keys, columns, known, buffers):
                return done
            if not _transform(block, banks, mlps, targets, columns, known, buffers):
                return done
        _settle(heads[2], queries[4], columns)
        stop = quiet = False
        for w in range(stops.shape[0]):
            stop |= state[watched, w] & stops[w] != 0
            quiet |= state[watched, w] & mid_instruction[w] != 0
        if stop or not quiet:
            done += 1
        if stop or done == loops:
            break
    return done
