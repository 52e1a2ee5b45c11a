"""The attention of dirty columns, and which clean columns become dirty through it; compiled.

In every block

- `wake_attenders` compares the key of each dirty column with its key in the index. A key that
  differs, or has differed before, has *moved*. The index of queries leads to the one clean column
  whose query the moved key can win; that column becomes dirty if the key may win;
- if the key or the values of a dirty column have changed since clean columns attended to it, those
  columns become dirty;
- `attend` finds the winner for each dirty column's query, from the index and the moved keys. The
  winner's score must exceed the bound on all others by the margin at which the softmax is one-hot.
"""

from __future__ import annotations

import numpy as np

from looped.analysis.keys import NOBODY, SEVERAL
from looped.engines.event.columns import (
    ATTENDED,
    ATTENDED_BY,
    COLUMN,
    FAR,
    FLIPS,
    INDEXED,
    KEY_CHANGED,
    KEY_MOVED,
    PLACE,
    SCORE,
    STATE,
    STAYS_DIRTY,
    TARGET,
    WINNER,
    WORK,
)  # fmt: skip
from looped.engines.event.index import MEMBERS, START
from looped.engines.event.kernels import (
    add_forms,
    address,
    all_zero,
    clear,
    compiled,
    copy_row,
    dot,
    flip,
    inlined,
    leaf,
    same_lanes,
)  # fmt: skip
from looped.engines.event.tables import KEY, MARGIN, OV, QUERY

__all__ = ["attend", "mark_dirty", "note_flips", "wake_attenders"]


@compiled
def mark_dirty(lanes, dirty, edge, count, c):
    """Make a column dirty, unless it is already; returns its place among the dirty ones."""
    if dirty[PLACE, c] >= 0:
        return np.int64(dirty[PLACE, c])
    at = count[0]
    count[0] = at + 1
    dirty[COLUMN, at], dirty[PLACE, c], dirty[STAYS_DIRTY, at] = c, at, 0
    for h in range(edge.shape[1]):
        if edge[c, h, TARGET] >= 0:
            edge[edge[c, h, TARGET], h, ATTENDED_BY] -= 1
            edge[c, h, TARGET] = -1
    copy_row(lanes[WORK], at, lanes[STATE], c)
    return at


@inlined
def wake_attenders(block, banks, heads, queries, columns):
    """Make clean columns dirty that a dirty column affects: those that attend to it, if its key or
    values have changed, and those whose query its moved key wins. False if that is not certain."""
    start, chunk, table = banks
    first, head, masks = heads
    lanes, dirty, edge, head_state, movers, moved_keys, count, lowest, _ = columns
    for h in range(first[block], first[block + 1]):
        count[1 + h] = 0
    at, before = 0, count[0]
    while at < count[0]:
        c = np.int64(dirty[COLUMN, at])
        for h in range(first[block], first[block + 1]):
            if not same_lanes(lanes[WORK], at, lanes[INDEXED], c, masks, 3 * h + KEY):
                # The flag is never reset: columns that become clean while the key has moved are
                # not examined again when the key returns to its indexed value.
                edge[c, h, KEY_CHANGED] = 1
            moved = edge[c, h, KEY_CHANGED] != 0
            head_state[at, h, KEY_MOVED] = moved
            if edge[c, h, ATTENDED_BY] > 0 and (
                moved or not same_lanes(lanes[WORK], at, lanes[ATTENDED + h], c, masks, 3 * h + OV)
            ):
                for other in range(edge.shape[0]):
                    if edge[other, h, TARGET] == c:
                        mark_dirty(lanes, dirty, edge, count, other)
            if moved:
                dirty[STAYS_DIRTY, at] = 1
                i = count[1 + h]
                movers[h, i], count[1 + h] = at, i + 1
                key = moved_keys[h, i]
                clear(key)
                add_forms(start, chunk, table, np.uint64(head[h, KEY]), lanes[WORK], at, key)
                margin = head[h, MARGIN]
                if not _wake_captured(h, margin, key, queries, lanes, dirty, edge, count, lowest):
                    return False
        at += 1
    if block > 0:  # heads of earlier blocks have not looked where these columns attend to
        for i in range(before, count[0]):
            dirty[STAYS_DIRTY, i] = 1
    return True


@compiled
def _wake_captured(h, margin, key, queries, lanes, dirty, edge, count, lowest):
    """Make the clean column dirty whose query a moved key wins; False if that is not certain."""
    dims, groups, group, constant, _, table = queries
    code_score, code, half_step = address(dims, h, key)
    for g in range(groups[h], groups[h + 1]):
        bound = code_score + dot(constant, g, key)
        if bound + margin <= lowest[g]:
            continue
        if bound - 2 * half_step + margin > lowest[g]:
            return False
        c = table[group[g, START] + code]
        if c == SEVERAL:
            return False
        if c != NOBODY and dirty[PLACE, c] < 0 and bound + margin > edge[c, h, SCORE]:
            mark_dirty(lanes, dirty, edge, count, c)
    return True


@leaf
def _winner(h, margin, query, keys, dirty, head_state, movers, moved_keys, moved_count):
    """The column that a query attends to (-1 if that is not certain), and its score."""
    dims, groups, group, constant, member, table = keys
    code_score, code, half_step = address(dims, h, query)
    best, rest, winner = np.int64(-FAR), np.int64(-FAR), np.int64(-1)
    for g in range(groups[h], groups[h + 1]):
        unmoved = group[g, MEMBERS]
        for i in range(moved_count):
            if member[dirty[COLUMN, movers[h, i]], h] == g:
                unmoved -= 1
        if unmoved == 0:
            continue
        score = code_score + dot(constant, g, query)
        c = np.int64(table[group[g, START] + code])
        if c == SEVERAL:
            rest = max(rest, score)
            continue
        stands = c != NOBODY and not (
            dirty[PLACE, c] >= 0 and head_state[dirty[PLACE, c], h, KEY_MOVED]
        )
        if unmoved > 1 or not stands:
            rest = max(rest, score - 2 * half_step)
        if stands:
            rest = max(rest, min(best, score))
            if score > best:
                best, winner = score, c
    for i in range(moved_count):
        score = dot(moved_keys[h], i, query)
        rest = max(rest, min(best, score))
        if score > best:
            best, winner = score, np.int64(dirty[COLUMN, movers[h, i]])
    if best - rest < margin:
        return -1, 0
    return winner, best


@leaf
def _attended(h, at, banks, heads, keys, columns, known, query):
    """The column that a dirty one attends to in a head (-1 if that is not certain), and its score.

    While no key has moved, an equal query has the same answer: it is cached."""
    start, chunk, table = banks
    head, masks = heads[1], heads[2]
    lanes, dirty, _, head_state, movers, moved_keys, count, _, _ = columns
    seen, cached_winner, _ = known
    work, unmoved = lanes[WORK], count[1 + h] == 0
    cached = cached_winner[h, 0] >= 0
    if unmoved and cached and same_lanes(work, at, seen, h, masks, 3 * h + QUERY):
        return cached_winner[h, 0], cached_winner[h, 1]
    clear(query)
    add_forms(start, chunk, table, np.uint64(head[h, QUERY]), work, at, query)
    winner, score = _winner(
        h, head[h, MARGIN], query, keys, dirty, head_state, movers, moved_keys, count[1 + h]
    )
    if winner >= 0 and unmoved and not cached:
        copy_row(seen, h, work, at)
        cached_winner[h, 0], cached_winner[h, 1] = winner, score
    return winner, score


@leaf
def _note_edge(h, at, c, winner, masks, columns):
    """Note which column a dirty column attends to. If clean columns attend to another state of that
    winner, the dirty column stays dirty. Returns the winner's lanes: an array and a row in it."""
    lanes, dirty, edge, head_state, _, _, _, _, _ = columns
    head_state[at, h, WINNER] = winner
    place = np.int64(dirty[PLACE, winner])
    x, row = (lanes[WORK], place) if place >= 0 else (lanes[STATE], winner)
    if place >= 0 and head_state[place, h, KEY_MOVED]:
        dirty[STAYS_DIRTY, at] = 1
    if winner != c and not dirty[STAYS_DIRTY, at]:
        if edge[winner, h, ATTENDED_BY] == 0:
            copy_row(lanes[ATTENDED + h], winner, x, row)
        elif not same_lanes(x, row, lanes[ATTENDED + h], winner, masks, 3 * h + OV):
            dirty[STAYS_DIRTY, at] = 1
    return x, row


@inlined
def attend(block, banks, heads, targets, keys, columns, known, buffers):
    """The attention of all dirty columns; False if a head's winner is not certain."""
    start, chunk, table = banks
    first, head, masks = heads
    lanes, dirty, edge, _, _, _, count, _, _ = columns
    seen, _, adds_nothing = known
    sums, hidden, query = buffers
    for at in range(count[0]):
        c, adds = np.int64(dirty[COLUMN, at]), False
        clear(sums)
        for h in range(first[block], first[block + 1]):
            winner, score = _attended(h, at, banks, heads, keys, columns, known, query)
            if winner < 0:
                return False
            edge[c, h, SCORE] = score
            x, row = _note_edge(h, at, c, winner, masks, columns)
            zero, bank = head.shape[0] + h, np.uint64(head[h, OV])
            if adds_nothing[zero] and same_lanes(x, row, seen, zero, masks, 3 * h + OV):
                continue
            if not adds_nothing[zero]:
                clear(hidden)
                add_forms(start, chunk, table, bank, x, row, hidden)
                adds_nothing[zero] = all_zero(hidden)
                copy_row(seen, zero, x, row)
            add_forms(start, chunk, table, bank, x, row, sums)
            adds = True
        if not adds:
            for w in range(lanes.shape[2]):
                lanes[FLIPS, at, w] = 0
        elif not note_flips(targets, block, sums, np.uint64(0), lanes, at):
            return False
    for at in range(count[0]):
        dirty[STAYS_DIRTY, at] |= flip(lanes, at)
    return True


@leaf
def note_flips(targets, t, sums, first, lanes, at):
    """Note which lanes of a dirty column sums, from `first` on, flip; False if one leaves ±1."""
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
