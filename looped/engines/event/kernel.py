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

All compiled functions are in this file, since numba's cache looks at no other for changes. Indices
in inner loops are unsigned, so that the compiler need not mind negative ones and takes eight
numbers at a time.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from looped.engines.event.columns import DEPENDENTS, FAR, HOME, SCORE
from looped.engines.event.index import AMBIGUOUS, BIT, CLEARANCE, MAGNITUDE, MEMBERS, NOBODY, START
from looped.engines.event.tables import KEY, MOVED, QUERY

__all__ = ["advance", "wake"]


@njit(_nrt=False, cache=True, inline="always")
def _add_forms(banks, k, x, at, out):
    """Add the forms of bank k, of the lanes packed in row `at` of x, to `out`."""
    chunk, table = banks.chunk, banks.table
    for i in range(banks.start[k], banks.start[k + 1]):
        first, count = chunk[i, 3], chunk[i, 4]
        row = chunk[i, 5] + ((x[at, chunk[i, 0]] >> chunk[i, 1]) & chunk[i, 2]) * count
        for j in range(count):
            out[first + j] += table[row + j]


@njit(_nrt=False, cache=True, inline="always")
def _same(x, i, y, j, masks, m):
    """Whether row i of x and row j of y have equal lanes where mask m has ones."""
    for w in range(x.shape[1]):
        if (x[i, w] ^ y[j, w]) & masks[m, w] != 0:
            return False
    return True


@njit(_nrt=False, cache=True, inline="always")
def _all_zero(numbers):
    for i in range(numbers.shape[0]):
        if numbers[i] != 0:
            return False
    return True


@njit(_nrt=False, cache=True, inline="always")
def _copy(x, i, y, j):
    """Row j of y to row i of x."""
    for w in range(x.shape[1]):
        x[i, w] = y[j, w]


@njit(_nrt=False, cache=True, inline="always")
def _clear(numbers):
    for i in range(np.uint64(numbers.shape[0])):
        numbers[i] = 0


@njit(_nrt=False, cache=True, inline="always")
def wake(lanes, hot, ties, c):
    """Make a column hot; returns its place among the hot ones."""
    if hot.place[c] >= 0:
        return hot.place[c]
    at = hot.count[0]
    hot.column[at] = c
    hot.place[c] = at
    hot.count[0] = at + 1
    tie = ties.tie
    for h in range(tie.shape[1]):
        if tie[c, h, HOME] >= 0:
            tie[tie[c, h, HOME], h, DEPENDENTS] -= 1
            tie[c, h, HOME] = -1
    _copy(lanes.work, at, lanes.x, c)
    hot.stays[at] = False
    return at


@njit(_nrt=False, cache=True, inline="always")
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


@njit(_nrt=False, cache=True, inline="always")
def _dot(x, i, y):
    total = np.int32(0)
    for d in range(np.uint64(y.shape[0])):
        total = np.int32(total + x[i, d] * y[d])
    return np.int64(total)


@njit(_nrt=False, cache=True, inline="always")
def _capture(queries, lanes, hot, ties, h, key, gap):
    """Wake the cold column that finds a loose key; False if that cannot be decided."""
    code_score, code, margin = _address(queries.dims, h, key)
    for g in range(queries.groups[h], queries.groups[h + 1]):
        bound = code_score + _dot(queries.constant, g, key)
        if bound + gap <= ties.least[g]:
            continue
        if bound - 2 * margin + gap > ties.least[g]:
            return False
        c = queries.table[queries.group[g, START] + code]
        if c == AMBIGUOUS:
            return False
        if c != NOBODY and hot.place[c] < 0 and bound + gap > ties.tie[c, h, SCORE]:
            wake(lanes, hot, ties, c)
    return True


@njit(_nrt=False, cache=True, inline="always")
def _winner(keys, hot, rovers, h, gap, query):
    """The column that a query finds, or -1 if that cannot be shown; its score."""
    code_score, code, margin = _address(keys.dims, h, query)
    best, rest, found = -FAR, -FAR, -1
    for g in range(keys.groups[h], keys.groups[h + 1]):
        firm = keys.group[g, MEMBERS]
        for i in range(rovers.count[h]):
            if keys.member[hot.column[rovers.place[h, i]], h] == g:
                firm -= 1
        if firm == 0:
            continue
        score = code_score + _dot(keys.constant, g, query)
        c = np.int64(keys.table[keys.group[g, START] + code])
        if c == AMBIGUOUS:
            rest = max(rest, score)
            continue
        is_firm = c != NOBODY and not (hot.place[c] >= 0 and rovers.loose[hot.place[c], h])
        if firm > 1 or not is_firm:
            rest = max(rest, score - 2 * margin)
        if is_firm:
            rest = max(rest, min(best, score))
            if score > best:
                best, found = score, c
    for i in range(rovers.count[h]):
        score = _dot(rovers.key[h], i, query)
        rest = max(rest, min(best, score))
        if score > best:
            best, found = score, np.int64(hot.column[rovers.place[h, i]])
    if best - rest < gap:
        return -1, 0
    return found, best


@njit(_nrt=False, cache=True, inline="always")
def _announce(banks, heads, queries, lanes, hot, ties, rovers, h, at):
    """What a hot column's key and values mean to cold ones; False if that cannot be decided."""
    c, mask, decided = np.int64(hot.column[at]), heads.mask[h], True
    if not _same(lanes.work, at, lanes.origin, c, mask, KEY):
        # For good: cold columns settle meanwhile, and when it returned they would have to be asked.
        rovers.strayed[c, h] = True
    loose = rovers.strayed[c, h]
    rovers.loose[at, h] = loose
    if ties.tie[c, h, DEPENDENTS] > 0 and (
        loose or not _same(lanes.work, at, ties.carried[c], h, mask, MOVED)
    ):
        for other in range(ties.tie.shape[0]):
            if ties.tie[other, h, HOME] == c:
                wake(lanes, hot, ties, other)
    if loose:
        hot.stays[at] = True
        i = rovers.count[h]
        rovers.place[h, i] = at
        rovers.count[h] = i + 1
        key = rovers.key[h, i]
        _clear(key)
        _add_forms(banks, heads.bank[h, KEY], lanes.work, at, key)
        decided = _capture(queries, lanes, hot, ties, h, key, heads.gap[h])
    return decided


@njit(_nrt=False, cache=True, inline="always")
def _find(banks, heads, keys, lanes, hot, ties, rovers, parked, buffers, h, at):
    """The column that a hot column's head finds, or -1 if that cannot be shown."""
    mask, all_firm = heads.mask[h], rovers.count[h] == 0
    if all_firm and parked.home[h] >= 0 and _same(lanes.work, at, parked.lanes, h, mask, QUERY):
        found, score = parked.home[h], parked.score[h]
    else:
        _clear(buffers.query)
        _add_forms(banks, heads.bank[h, QUERY], lanes.work, at, buffers.query)
        found, score = _winner(keys, hot, rovers, h, heads.gap[h], buffers.query)
        if all_firm and parked.home[h] < 0:
            _copy(parked.lanes, h, lanes.work, at)
            parked.home[h], parked.score[h] = found, score
    ties.tie[hot.column[at], h, SCORE] = score
    ties.won[at, h] = found
    return found


@njit(_nrt=False, cache=True, inline="always")
def _collect(banks, heads, lanes, hot, ties, rovers, mute, buffers, h, at, found):
    """Add what a head moves from the column that it found; False if that is known to be nothing."""
    place, mask = np.int64(hot.place[found]), heads.mask[h]
    x, row = (lanes.work, place) if place >= 0 else (lanes.x, found)
    if place >= 0 and rovers.loose[place, h]:
        hot.stays[at] = True
    if found != hot.column[at] and not hot.stays[at]:
        if ties.tie[found, h, DEPENDENTS] == 0:
            _copy(ties.carried[found], h, x, row)
        elif not _same(x, row, ties.carried[found], h, mask, MOVED):
            hot.stays[at] = True
    moves = not (mute.known[h] and _same(x, row, mute.lanes, h, mask, MOVED))
    if moves:
        if not mute.known[h]:
            _clear(buffers.hidden)
            _add_forms(banks, heads.bank[h, MOVED], x, row, buffers.hidden)
            mute.known[h] = _all_zero(buffers.hidden)
            _copy(mute.lanes, h, x, row)
        _add_forms(banks, heads.bank[h, MOVED], x, row, buffers.sums)
    return moves


@njit(_nrt=False, cache=True, inline="always")
def _toggle(targets, t, sums, first, lanes, at):
    """Note what the sums from `first` on flip in a hot column; False if it would not be ±1."""
    two, begin = targets.two[t], targets.start[t, 0]
    exact, one = True, np.uint64(1)
    for w in range(lanes.work.shape[1]):
        word, flips = lanes.work[at, w], np.uint64(0)
        for j in range(targets.start[t, w], targets.start[t, w + 1]):
            change, shift = sums[first + (j - begin)], targets.shift[j]
            exact &= change == 0 or change == (-two if (word >> shift) & one else two)
            flips |= np.uint64(change != 0) << shift
        lanes.flips[at, w] = flips
    return exact


@njit(_nrt=False, cache=True, inline="always")
def _flip(lanes, at):
    """Carry out what was noted; whether it was anything."""
    changed = False
    for w in range(lanes.work.shape[1]):
        flips = lanes.flips[at, w]
        lanes.work[at, w] ^= flips
        changed |= flips != 0
    return changed


@njit(_nrt=False, cache=True, inline="always")
def _attend(
    banks, heads, targets, keys, queries, lanes, hot, ties, rovers, parked, mute, buffers, block
):
    """The attention of a block, for hot columns and those that it wakes; False: given up."""
    first, last = heads.first[block], heads.first[block + 1]
    for h in range(first, last):
        rovers.count[h] = 0
    at = 0
    while at < hot.count[0]:
        for h in range(first, last):
            if not _announce(banks, heads, queries, lanes, hot, ties, rovers, h, at):
                return False
        at += 1
    for at in range(hot.count[0]):
        _clear(buffers.sums)
        moves = False
        for h in range(first, last):
            found = _find(banks, heads, keys, lanes, hot, ties, rovers, parked, buffers, h, at)
            if found < 0:
                return False
            moves |= _collect(
                banks, heads, lanes, hot, ties, rovers, mute, buffers, h, at, found
            )
        if not moves:
            for w in range(lanes.flips.shape[1]):
                lanes.flips[at, w] = 0
        elif not _toggle(targets, block, buffers.sums, np.uint64(0), lanes, at):
            return False
    for at in range(hot.count[0]):
        hot.stays[at] |= _flip(lanes, at)
    return True


@njit(_nrt=False, cache=True, inline="always")
def _transform(banks, mlps, targets, lanes, hot, idle, buffers, block, at):
    """The MLP of a block, for one hot column; False if it is no longer ±1 afterwards."""
    m = mlps.first[block] + lanes.kind[hot.column[at], block]
    if idle.known[m] and _same(lanes.work, at, idle.lanes, m, mlps.mask, m):
        return True
    sums, hidden = buffers.sums, buffers.hidden
    products, units = mlps.units[m, 0], mlps.units[m, 1]
    ups, linear = mlps.units[m, 2], mlps.units[m, 3]
    _clear(sums)
    _add_forms(banks, mlps.bank[m], lanes.work, at, sums)
    for u in range(products):
        hidden[u] = max(sums[u], np.int32(0)) * sums[ups + u]
    for u in range(products, units):
        hidden[u] = max(sums[u], np.int32(0))
    for i in range(mlps.down[m], mlps.down[m + 1]):
        sums[mlps.term[i]] += mlps.weight[i] * hidden[mlps.unit[i]]
    if not _toggle(targets, mlps.first.shape[0] - 1 + m, sums, linear, lanes, at):
        return False
    if _flip(lanes, at):
        hot.stays[at] = True
    elif not idle.known[m]:
        _copy(idle.lanes, m, lanes.work, at)
        idle.known[m] = True
    return True


@njit(_nrt=False, cache=True, inline="always")
def _settle(queries, heads, lanes, hot, ties):
    """Commit a pass: hot columns that nothing touched become cold."""
    kept = 0
    for at in range(hot.count[0]):
        c = np.int64(hot.column[at])
        _copy(lanes.x, c, lanes.work, at)
        for h in range(heads.mask.shape[0]):
            if hot.stays[at]:
                break
            hot.stays[at] = not _same(lanes.x, c, lanes.origin, c, heads.mask[h], QUERY)
        if hot.stays[at]:
            hot.column[kept] = c
            hot.place[c] = kept
            hot.stays[kept] = False
            _copy(lanes.work, kept, lanes.x, c)
            kept += 1
            continue
        hot.place[c] = -1
        for h in range(heads.mask.shape[0]):
            home, g = ties.won[at, h], queries.member[c, h]
            ties.tie[c, h, HOME] = home
            ties.tie[home, h, DEPENDENTS] += 1
            ties.least[g] = min(ties.least[g], ties.tie[c, h, SCORE])
    hot.count[0] = kept


@njit(_nrt=False, cache=True, nogil=True)
def advance(tables, keys, queries, columns, loops, watched, stops):
    """Up to `loops` passes, and no more after one that leaves a lane of `stops` in column `watched`
    at +1. Returns how many were done. If they are fewer for another reason, one had to be given up.
    """
    banks, heads, mlps, targets = tables
    lanes, hot, ties, rovers, parked, mute, idle, buffers = columns
    for done in range(loops):
        for block in range(heads.first.shape[0] - 1):
            if not _attend(
                banks, heads, targets, keys, queries,
                lanes, hot, ties, rovers, parked, mute, buffers, block,
            ):  # fmt: skip
                return done
            for at in range(hot.count[0]):
                if not _transform(banks, mlps, targets, lanes, hot, idle, buffers, block, at):
                    return done
        _settle(queries, heads, lanes, hot, ties)
        for w in range(stops.shape[0]):
            if lanes.x[watched, w] & stops[w] != 0:
                return done + 1
    return loops
