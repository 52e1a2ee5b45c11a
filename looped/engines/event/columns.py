"""Columns: the packed lanes of one stream, and what is known of them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from looped.engines.event.banks import Words
from looped.engines.event.exact import Ints

__all__ = ["DEPENDENTS", "FAR", "HOME", "SCORE", "Columns", "fresh"]

FAR = 1 << 40
"""Beyond every score."""

HOME, DEPENDENTS, SCORE = 0, 1, 2

Int32s = npt.NDArray[np.int32]
Bools = npt.NDArray[np.bool_]


class Lanes(NamedTuple):
    """`x` (columns, words) is the state between loops, and `origin` that for which keys and queries
    were indexed. For each hot column, `work` is its state in mid-pass, and `flips` are the lanes
    about to change. `kind[c, b]` is the class of a column in the MLP of block b.
    """

    x: Words
    origin: Words
    work: Words
    flips: Words
    kind: npt.NDArray[np.int8]


class Hot(NamedTuple):
    """`column[: count[0]]` lists the hot columns; `place[c]` is the place there of one, or -1.
    `stays[at]` says that one cannot be cold after this pass.
    """

    column: Int32s
    place: Int32s
    count: Ints
    stays: Bools


class Ties(NamedTuple):
    """Between columns, by head. `tie[c, h]` is a column's HOME (-1 while it is hot), the number of
    its DEPENDENTS (cold columns whose home it is), and the SCORE of its home. `carried[c, h]` are
    the lanes that the dependents found. `won[at, h]` is what a hot column has just found.
    `least[g]` is the lowest score of a home over the cold columns of a query group.
    """

    tie: Int32s
    carried: Words
    won: Int32s
    least: Ints


class Rovers(NamedTuple):
    """Hot columns whose key is not that of the index: `count[h]` of them, their `place[h]` among
    the hot ones, and their `key[h]`. `loose[at, h]` says that a hot column is one; `strayed[c, h]`
    that its key is, or has been, another than that of the index.
    """

    count: Ints
    place: Int32s
    key: Int32s
    loose: Bools
    strayed: Bools


class Parked(NamedTuple):
    """A query already answered: `lanes[h]` find column `home[h]` (-1: not known yet) with `score[h]`
    when all keys are those of the index."""

    lanes: Words
    home: Ints
    score: Ints


class Silent(NamedTuple):
    """Lanes already known to have no effect, if `known`: of a head's values, or in an MLP."""

    lanes: Words
    known: Bools


class Buffers(NamedTuple):
    """Room for sums, hidden units and a query."""

    sums: Int32s
    hidden: Int32s
    query: Int32s


class Columns(NamedTuple):
    """One residual stream and what is known of its columns."""

    lanes: Lanes
    hot: Hot
    ties: Ties
    rovers: Rovers
    parked: Parked
    mute: Silent
    idle: Silent
    buffers: Buffers


def fresh(
    x: Words, kind: Ints, heads: int, groups: int, mlps: int, dims: int, widest: int
) -> Columns:
    """A stream of which nothing is known yet, and no column hot."""
    columns, words = x.shape
    return Columns(
        Lanes(x.copy(), x.copy(), np.zeros_like(x), np.zeros_like(x), kind.astype(np.int8)),
        Hot(
            column=np.zeros(columns, np.int32),
            place=np.full(columns, -1, np.int32),
            count=np.zeros(1, np.int64),
            stays=np.zeros(columns, np.bool_),
        ),
        Ties(
            tie=np.tile(np.array([-1, 0, 0], np.int32), (columns, heads, 1)),
            carried=np.zeros((columns, heads, words), np.uint64),
            won=np.zeros((columns, heads), np.int32),
            least=np.full(groups, FAR, np.int64),
        ),
        Rovers(
            count=np.zeros(heads, np.int64),
            place=np.zeros((heads, columns), np.int32),
            key=np.zeros((heads, columns, dims), np.int32),
            loose=np.zeros((columns, heads), np.bool_),
            strayed=np.zeros((columns, heads), np.bool_),
        ),
        Parked(
            lanes=np.zeros((heads, words), np.uint64),
            home=np.full(heads, -1, np.int64),
            score=np.zeros(heads, np.int64),
        ),
        Silent(np.zeros((heads, words), np.uint64), np.zeros(heads, np.bool_)),
        Silent(np.zeros((mlps, words), np.uint64), np.zeros(mlps, np.bool_)),
        Buffers(*(np.zeros(size, np.int32) for size in (widest, widest, dims))),
    )
