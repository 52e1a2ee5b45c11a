"""Columns: the packed lanes of one stream, and what the engine knows of them."""

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
    """One residual stream and what the engine knows of its columns; h is a head, c a column.

    Dirty columns are numbered: `at` is such a number.

    - `lanes` (…, columns, words): by column, STATE between loops, INDEXED when the indices of keys
      and queries were made, and ATTENDED + h when clean columns attended to it in head h; by `at`,
      WORK in mid-pass and the FLIPS that come next.
    - `dirty[COLUMN, at]` is a dirty column, `dirty[PLACE, c]` is its `at`, or -1;
      `dirty[STAYS_DIRTY, at]` says that it cannot be clean after this pass.
    - `attention_edge[c, h]`: the TARGET that c attends to (-1 while c is dirty); ATTENDED_BY, how
      many clean columns attend to c; the SCORE of the target; and KEY_CHANGED, whether the key of c
      has ever differed from its key in the index, or the column is one of several workers.
    - `head_state[at, h]`: the WINNER for the query of a dirty column, and KEY_MOVED, whether its
      own key has moved, so that the index does not hold for it.
    - `movers[h]` lists the `at` of columns with moved keys, `moved_keys[h]` their keys.
    - `counts`: the number of dirty columns, then for each head the number of moved keys.
    - `lowest[g]` is the lowest score of a target over the clean columns of query group g.
    - `kind[c, b]` is the class of a column for the MLP of block b.
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
    """Results that need not be computed again, each for a row of lanes `seen[i]`.

    - `seen[h]`: a column with these lanes attends in head h to column `cached_winner[h, 0]` (-1:
      not known yet) with the score `cached_winner[h, 1]`, while all keys are those of the index;
    - then one row for each head and one for each MLP. If `adds_nothing[i]`, the output of the head
      is zero for an attended column with these lanes, or the MLP adds nothing to such a column.
    """

    seen: Words
    cached_winner: Ints
    adds_nothing: npt.NDArray[np.bool_]


def all_clean(x: Words, kind: Ints, heads: int, groups: int, dims: int) -> Columns:
    """The columns of a stream, all clean, with nothing known of them yet."""
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
    """The results known before the first pass: none."""
    entries = 2 * heads + mlps
    return Known(
        seen=np.zeros((entries, words), np.uint64),
        cached_winner=np.full((heads, 2), -1, np.int64),
        adds_nothing=np.zeros(entries, np.bool_),
    )
