"""Columns: the packed lanes of one stream, and what is known of them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from looped.analysis.grid import Ints
from looped.engines.event.banks import Words

__all__ = [
    "ATTENDED",
    "ATTENDED_BY",
    "COLUMN",
    "FAR",
    "FLIPS",
    "INDEXED",
    "KEY_CHANGED",
    "KEY_MOVED",
    "PLACE",
    "SCORE",
    "STATE",
    "STAYS_DIRTY",
    "TARGET",
    "WINNER",
    "WORK",
    "Columns",
    "Known",
    "all_clean",
    "nothing_known",
]

FAR = 1 << 40
"""Beyond every score."""

STATE, INDEXED, WORK, FLIPS, ATTENDED = range(5)
COLUMN, PLACE, STAYS_DIRTY = range(3)
TARGET, ATTENDED_BY, SCORE, KEY_CHANGED = range(4)
WINNER, KEY_MOVED = range(2)

Int32s = npt.NDArray[np.int32]


class Columns(NamedTuple):
    """One residual stream and what is known of its columns. `at` counts dirty columns.

    `lanes` (…, columns, words) has the STATE between loops, and the INDEXED state for which the
    tables of keys and queries were made; by `at`, WORK in mid-pass and the FLIPS that are about to
    happen; and ATTENDED + h, the lanes that a column had when clean columns attended to it.
    `dirty[COLUMN, at]` is a dirty column, `dirty[PLACE, c]` is its `at`, or -1;
    `dirty[STAYS_DIRTY, at]` says that it cannot be clean after this pass.
    `attention_edge[c, h]` has the TARGET, the column that c attends to (-1 while c is dirty); by
    how many clean columns c is ATTENDED_BY; the SCORE of its target; and whether its key has ever
    CHANGED since it was indexed.
    `head_state[at, h]` has the WINNER for the query of a dirty column, and whether its own key has
    MOVED: the index must not be asked for it.
    `movers[h]` lists the `at` of columns with moved keys, `moved_keys[h]` their keys.
    `counts` has the number of dirty columns, then for each head that of moved keys.
    `lowest[g]` is the lowest score of a target over the clean columns of a query group.
    `kind[c, b]` is the class of a column in the MLP of block b.
    """

    lanes: Words
    dirty: Int32s
    attention_edge: Int32s
    head_state: Int32s
    movers: Int32s
    moved_keys: Int32s
    counts: Ints
    lowest: Ints
    kind: npt.NDArray[np.int8]


class Known(NamedTuple):
    """What need not be computed again, for lanes `seen[i]` that a head or an MLP reads.

    - `seen[h]`: the query of head h attends to column `cached_winner[h, 0]` (-1: not known yet)
      with the score `cached_winner[h, 1]` where all keys are those of the index;
    - then, for each head, lanes of an attended column for which its output is zero, and for each
      MLP, lanes for which it adds nothing, if `adds_nothing[i]`.
    """

    seen: Words
    cached_winner: Ints
    adds_nothing: npt.NDArray[np.bool_]


def all_clean(x: Words, kind: Ints, heads: int, groups: int, dims: int) -> Columns:
    """The columns of a stream of which nothing is known yet, and none is dirty."""
    columns, words = x.shape
    lanes = np.zeros((ATTENDED + heads, columns, words), np.uint64)
    lanes[STATE] = lanes[INDEXED] = x
    dirty = np.zeros((3, columns), np.int32)
    dirty[PLACE] = -1
    attention_edge = np.zeros((columns, heads, 4), np.int32)
    attention_edge[:, :, TARGET] = -1
    return Columns(
        lanes=lanes,
        dirty=dirty,
        attention_edge=attention_edge,
        head_state=np.zeros((columns, heads, 2), np.int32),
        movers=np.zeros((heads, columns), np.int32),
        moved_keys=np.zeros((heads, columns, dims), np.int32),
        counts=np.zeros(1 + heads, np.int64),
        lowest=np.full(groups, FAR, np.int64),
        kind=kind.astype(np.int8),
    )


def nothing_known(heads: int, mlps: int, words: int) -> Known:
    """Before the first pass."""
    entries = 2 * heads + mlps
    return Known(
        seen=np.zeros((entries, words), np.uint64),
        cached_winner=np.full((heads, 2), -1, np.int64),
        adds_nothing=np.zeros(entries, np.bool_),
    )
