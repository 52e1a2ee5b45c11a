"""One pass over the columns that matter, compiled.

A column is *cold* if nothing in a whole pass changed it when it was last evaluated, and nothing it
depends on has changed since: not its own lanes, not the column that each of its heads found (its
*home*), not the keys of others. All other columns are *hot* and evaluated in full. In every pass

- the key of each hot column is compared with the one in the index. If it differs it is *loose*: the
  query that it could win is looked up, and the cold column that asks so is woken if it does win;
- if a hot column has another key or value than those whose home it is have found, they are woken;
- each hot column's heads are answered from the index and the loose keys, and the winner must lie
  above the bound for all others by more than the gap at which softmax is one-hot.

Where any of this cannot be shown the pass is given up, with the state as it was before it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from looped.engines.event.index import AMBIGUOUS, NOBODY
from looped.engines.lifted.sparse import Floats, Ints

__all__ = ["Stream", "advance", "wake"]


class Stream(NamedTuple):
    """One residual stream and what is known of its columns.

    `x` (columns, d_model) is the state between loops, `work` that of hot columns in mid-pass.
    `hot[: hot_count[0]]` lists hot columns, `place[c]` is their place there or -1. Per head and
    column: `home`, `dependents` (cold columns whose home it is), `carried` (the value they found).
    `least[g]` is the lowest score of a home over the cold columns of a query group. `idle[b]` is a
    pattern of the lanes that MLP b reads for which it is known to add nothing, if `idle_known[b]`.
    `rovers[h]` lists the hot columns whose key is loose, behind their number.
    """

    x: npt.NDArray[np.int8]
    work: Floats
    hot: Ints
    place: Ints
    hot_count: Ints
    home: npt.NDArray[np.int32]
    dependents: npt.NDArray[np.int32]
    carried: Floats
    least: Floats
    idle: Floats
    idle_known: npt.NDArray[np.bool_]
    keys: Floats
    loose: npt.NDArray[np.bool_]
    strayed: npt.NDArray[np.bool_]
    stays: npt.NDArray[np.bool_]
    rovers: npt.NDArray[np.int32]
    won: npt.NDArray[np.int32]
    score: Floats


@njit(cache=True, inline="always")
def _dot(rows, r, x, at):
    """Row r of a sparse matrix times row `at` of x."""
    start, lane, weight = rows.start, rows.lane, rows.weight
    total = 0.0
    for i in range(start[r], start[r + 1]):
        total += weight[i] * x[at, lane[i]]
    return total


@njit(cache=True)
def wake(s, c):
    """Make a column hot; returns its place among the hot ones."""
    if s.place[c] >= 0:
        return s.place[c]
    at = s.hot_count[0]
    s.hot[at] = c
    s.place[c] = at
    s.hot_count[0] = at + 1
    for h in range(s.home.shape[0]):
        if s.home[h, c] >= 0:
            s.dependents[h, s.home[h, c]] -= 1
            s.home[h, c] = -1
    s.work[at] = s.x[c]
    s.stays[at] = False
    return at


@njit(cache=True)
def _find_keys(model, keys, s, h, at):
    """Compute the key of a hot column; loose if it is not the one in the index, now or ever before.

    (Cold columns settled while it was loose: were it to return, they would have to be asked anew.)
    """
    c = s.hot[at]
    code, bit, loose = keys.code[h, c], 0, s.strayed[h, c]
    g = keys.group[h, c]
    for d in range(model.dims[h], model.dims[h + 1]):
        value = _dot(model.key, d, s.work, at)
        s.keys[at, d] = value
        size = keys.magnitude[d]
        if size > 0:
            expected = size if code >> bit & 1 else -size
            bit += 1
        else:
            expected = keys.constant[g, d - model.dims[h]]
        if value != expected:
            loose = True
    s.loose[at, h] = loose
    s.strayed[h, c] = loose


@njit(cache=True)
def _still_carries(model, s, h, at):
    """Whether a home of cold columns has the key and the value that they found."""
    if s.loose[at, h]:
        return False
    for r in range(model.values[h], model.values[h + 1]):
        if _dot(model.value, r, s.work, at) != s.carried[s.hot[at], r]:
            return False
    return True


@njit(cache=True)
def _wake_dependents(s, h, c):
    """Wake every cold column whose home in a head is column c."""
    for column in range(s.home.shape[1]):
        if s.home[h, column] == c:
            wake(s, column)


@njit(cache=True)
def _captures(model, queries, s, h, at, gap):
    """Wake the cold column that finds a loose key; False if that cannot be decided."""
    first, last = model.dims[h], model.dims[h + 1]
    for g in range(queries.groups[h], queries.groups[h + 1]):
        bound, code, bit, smallest = 0.0, 0, 0, np.inf
        for d in range(first, last):
            k, size = s.keys[at, d], queries.magnitude[d]
            if size > 0:
                bound += abs(k) * size
                smallest = min(smallest, abs(k) * size)
                if k > 0:
                    code |= 1 << bit
                bit += 1
            else:
                bound += k * queries.constant[g, d - first]
        if bound + gap <= s.least[g]:
            continue
        if bound - 2 * smallest + gap > s.least[g]:
            return False
        column = queries.table[queries.table_start[g] + code]
        if column == AMBIGUOUS:
            return False
        if column != NOBODY and s.place[column] < 0 and bound + gap > s.score[h, column]:
            wake(s, column)
    return True


@njit(cache=True)
def _winner(model, keys, s, h, at, gap, query):
    """The column that a hot column's head finds, or -1 if that cannot be shown; its score."""
    first, last = model.dims[h], model.dims[h + 1]
    for d in range(first, last):
        query[d - first] = _dot(model.query, d, s.work, at)
    best, rest, found = -np.inf, -np.inf, -1
    for g in range(keys.groups[h], keys.groups[h + 1]):
        firm = keys.members[g]
        for i in range(s.rovers[h, 0]):
            if keys.group[h, s.hot[s.rovers[h, i + 1]]] == g:
                firm -= 1
        if firm == 0:
            continue
        bound, code, bit, smallest = 0.0, 0, 0, np.inf
        for d in range(first, last):
            q, size = query[d - first], keys.magnitude[d]
            if size > 0:
                bound += abs(q) * size
                smallest = min(smallest, abs(q) * size)
                if q > 0:
                    code |= 1 << bit
                bit += 1
            else:
                bound += q * keys.constant[g, d - first]
        column = keys.table[keys.table_start[g] + code]
        if column == AMBIGUOUS:
            rest = max(rest, bound)
            continue
        is_firm = column != NOBODY and not (s.place[column] >= 0 and s.loose[s.place[column], h])
        if firm > 1 or not is_firm:
            rest = max(rest, bound - 2 * smallest)
        if is_firm:
            if bound > best:
                rest = max(rest, best)
                best, found = bound, column
            else:
                rest = max(rest, bound)
    for i in range(s.rovers[h, 0]):
        other = s.rovers[h, i + 1]
        score = 0.0
        for d in range(first, last):
            score += query[d - first] * s.keys[other, d]
        if score > best:
            rest = max(rest, best)
            best, found = score, s.hot[other]
        else:
            rest = max(rest, score)
    if best - rest < gap:
        return -1, 0.0
    return found, best


@njit(cache=True)
def _attend(model, keys, queries, s, block, gap, delta, query):
    """The attention of a block, for hot columns and those that it wakes."""
    first, last = model.heads[block], model.heads[block + 1]
    known = 0
    while known < s.hot_count[0]:
        end = s.hot_count[0]
        for at in range(known, end):
            for h in range(first, last):
                _find_keys(model, keys, s, h, at)
                if s.dependents[h, s.hot[at]] > 0 and not _still_carries(model, s, h, at):
                    _wake_dependents(s, h, s.hot[at])
        for at in range(known, end):
            for h in range(first, last):
                if s.loose[at, h] and not _captures(model, queries, s, h, at, gap):
                    return False
        known = end
    s.rovers[first:last, 0] = 0
    for at in range(s.hot_count[0]):
        for h in range(first, last):
            if s.loose[at, h]:
                s.stays[at] = True
                s.rovers[h, 0] += 1
                s.rovers[h, s.rovers[h, 0]] = at
    for at in range(s.hot_count[0]):
        c = s.hot[at]
        delta[at] = 0.0
        for h in range(first, last):
            found, score = _winner(model, keys, s, h, at, gap, query)
            if found < 0:
                return False
            place = s.place[found]
            if place >= 0 and s.loose[place, h]:
                s.stays[at] = True
            s.won[at, h] = found
            s.score[h, c] = score
            for r in range(model.values[h], model.values[h + 1]):
                if place >= 0:
                    value = _dot(model.value, r, s.work, place)
                else:
                    value = _dot(model.value, r, s.x, found)
                if found != c:
                    if s.dependents[h, found] == 0:
                        s.carried[found, r] = value
                    elif s.carried[found, r] != value:
                        s.stays[at] = True
                if value != 0:
                    for i in range(model.out.start[r], model.out.start[r + 1]):
                        delta[at, model.out.lane[i]] += model.out.weight[i] * value
    return True


@njit(cache=True)
def _apply(s, at, delta):
    """Add to the residual stream of a hot column; False if it is no longer ±1."""
    for lane in range(delta.shape[0]):
        if delta[lane] != 0:
            s.stays[at] = True
            s.work[at, lane] += delta[lane]
            if abs(s.work[at, lane]) != 1:
                return False
    return True


@njit(cache=True)
def _transform(model, s, block, at, delta):
    """The MLP of a block, for one hot column; False if it is no longer ±1 afterwards."""
    x = s.work[at]
    seen = range(model.seen.start[block], model.seen.start[block + 1])
    if s.idle_known[block]:
        same = True
        for i in seen:
            if x[model.seen.lane[i]] != s.idle[block, model.seen.lane[i]]:
                same = False
                break
        if same:
            return True
    delta[:] = 0.0
    for u in range(model.units[block], model.units[block + 1]):
        gate = _dot(model.gate, u, s.work, at)
        if gate > 0:
            hidden = gate * _dot(model.up, u, s.work, at)
            if hidden != 0:
                for i in range(model.down.start[u], model.down.start[u + 1]):
                    delta[model.down.lane[i]] += model.down.weight[i] * hidden
    if not s.idle_known[block] and not delta.any():
        for i in seen:
            s.idle[block, model.seen.lane[i]] = x[model.seen.lane[i]]
        s.idle_known[block] = True
    return _apply(s, at, delta)


@njit(cache=True)
def _settle(queries, s):
    """Commit a pass: hot columns that nothing touched become cold."""
    kept = 0
    for at in range(s.hot_count[0]):
        c = s.hot[at]
        for lane in range(s.x.shape[1]):
            s.x[c, lane] = np.int8(s.work[at, lane])
        if s.stays[at]:
            s.hot[kept] = c
            s.place[c] = kept
            s.stays[kept] = False
            for lane in range(s.x.shape[1]):
                s.work[kept, lane] = s.x[c, lane]
            kept += 1
        else:
            s.place[c] = -1
            for h in range(s.home.shape[0]):
                s.home[h, c] = s.won[at, h]
                s.dependents[h, s.won[at, h]] += 1
                g = queries.group[h, c]
                s.least[g] = min(s.least[g], s.score[h, c])
    s.hot_count[0] = kept


@njit(cache=True)
def _asks_as_indexed(model, queries, s, h, at):
    """Whether a hot column's query is the one in the index."""
    c = s.hot[at]
    code, bit, g = queries.code[h, c], 0, queries.group[h, c]
    for d in range(model.dims[h], model.dims[h + 1]):
        value = _dot(model.query, d, s.work, at)
        size = queries.magnitude[d]
        if size > 0:
            expected = size if code >> bit & 1 else -size
            bit += 1
        else:
            expected = queries.constant[g, d - model.dims[h]]
        if value != expected:
            return False
    return True


@njit(cache=True)
def advance(model, keys, queries, s, gap, loops, delta, query):
    """Up to `loops` passes; returns how many were done, fewer if one had to be given up."""
    for done in range(loops):
        for block in range(model.blocks):
            if not _attend(model, keys, queries, s, block, gap, delta, query):
                return done
            for at in range(s.hot_count[0]):
                if not _apply(s, at, delta[at]):
                    return done
            for at in range(s.hot_count[0]):
                if not _transform(model, s, block, at, delta[at]):
                    return done
        for at in range(s.hot_count[0]):
            for h in range(s.home.shape[0]):
                if s.stays[at]:
                    break
                s.stays[at] = not _asks_as_indexed(model, queries, s, h, at)
        _settle(queries, s)
    return loops
