"""Columns: the packed lanes of one stream, and what is known of them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from looped.analysis.model import Ints
from looped.engines.event.banks import Words

__all__ = [
    "CARRIED",
    "COLUMN",
    "DEPENDENTS",
    "FAR",
    "FLIPS",
    "HOME",
    "LOOSE",
    "ORIGIN",
    "PLACE",
    "SCORE",
    "STATE",
    "STAYS",
    "STRAYED",
    "WON",
    "WORK",
    "Columns",
    "Known",
    "fresh",
    "nothing_known",
]

FAR = 1 << 40
"""Beyond every score."""

STATE, ORIGIN, WORK, FLIPS, CARRIED = range(5)
COLUMN, PLACE, STAYS = range(3)
HOME, DEPENDENTS, SCORE, STRAYED = range(4)
WON, LOOSE = range(2)

Int32s = npt.NDArray[np.int32]


class Columns(NamedTuple):
    """One residual stream and what is known of its columns. `at` counts hot columns.

    `lanes` (…, columns, words) has the STATE between loops, and the ORIGIN for which keys and
    queries were indexed; by `at`, WORK in mid-pass and the FLIPS that are about to happen; and
    CARRIED + h, the lanes that the dependents of a column found in head h.
    `hot[COLUMN, at]` is a hot column, `hot[PLACE, c]` is its `at`, or -1; `hot[STAYS, at]` says
    that it cannot be cold after this pass.
    `tie[c, h]` has a column's HOME (-1 while it is hot), the number of its DEPENDENTS (cold columns
    whose home it is), the SCORE of its home, and whether its key has STRAYED from the index, ever.
    `found[at, h]` has the column that was WON by a hot one, and whether its own key is LOOSE.
    `rover[h]` lists the `at` of columns with loose keys, `rover_key[h]` their keys.
    `counts` has the number of hot columns, then for each head that of loose keys.
    `least[g]` is the lowest score of a home over the cold columns of a query group.
    `kind[c, b]` is the class of a column in the MLP of block b.
    """

    lanes: Words
    hot: Int32s
    tie: Int32s
    found: Int32s
    rover: Int32s
    rover_key: Int32s
    counts: Ints
    least: Ints
    kind: npt.NDArray[np.int8]


class Known(NamedTuple):
    """What need not be computed again, for lanes `seen[i]` that a head or an MLP reads.

    - `seen[h]`: the query of head h finds column `parked[h, 0]` (-1: not known yet) with the score
      `parked[h, 1]` where all keys are those of the index;
    - then, for each head, lanes that it moves as nothing, and for each MLP, lanes for which it adds
      nothing, if `silent[i]`.
    """

    seen: Words
    parked: Ints
    silent: npt.NDArray[np.bool_]


def fresh(x: Words, kind: Ints, heads: int, groups: int, dims: int) -> Columns:
    """The columns of a stream of which nothing is known yet, and none hot."""
    columns, words = x.shape
    lanes = np.zeros((CARRIED + heads, columns, words), np.uint64)
    lanes[STATE] = lanes[ORIGIN] = x
    hot = np.zeros((3, columns), np.int32)
    hot[PLACE] = -1
    tie = np.zeros((columns, heads, 4), np.int32)
    tie[:, :, HOME] = -1
    return Columns(
        lanes=lanes,
        hot=hot,
        tie=tie,
        found=np.zeros((columns, heads, 2), np.int32),
        rover=np.zeros((heads, columns), np.int32),
        rover_key=np.zeros((heads, columns, dims), np.int32),
        counts=np.zeros(1 + heads, np.int64),
        least=np.full(groups, FAR, np.int64),
        kind=kind.astype(np.int8),
    )


def nothing_known(heads: int, mlps: int, words: int) -> Known:
    """Before the first pass."""
    places = 2 * heads + mlps
    return Known(
        seen=np.zeros((places, words), np.uint64),
        parked=np.full((heads, 2), -1, np.int64),
        silent=np.zeros(places, np.bool_),
    )
