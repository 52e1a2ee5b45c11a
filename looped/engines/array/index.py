"""Index: from the signs of some lanes to the one column of a group that has them."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from looped.analysis.grid import Ints
from looped.artefact.residual import Residual

__all__ = ["Index", "index_of"]

Signs = npt.NDArray[np.bool_]

_MOST_LANES = 63
"""Lanes of a code: it is a number of 64 bits."""


class Index(Protocol):
    """The columns of a group by the signs of some lanes, which are different in all of them."""

    def find(self, signs: Signs) -> Ints:
        """The columns that have these signs (m, lanes), or -1 where there is none, (m,)."""


class _Counted(NamedTuple):
    """The lanes hold the number of a column plus `offset`, modulo `count`; see Positions."""

    weights: npt.NDArray[np.int64]
    offset: int
    most: int

    def find(self, signs: Signs) -> Ints:
        codes = signs @ self.weights
        return np.where(codes < self.most, (codes - self.offset) % self.most, -1)


class _Sorted(NamedTuple):
    """The codes of `columns` in ascending order."""

    codes: npt.NDArray[np.uint64]
    columns: Ints

    def find(self, signs: Signs) -> Ints:
        codes = _codes(signs)
        at = np.minimum(np.searchsorted(self.codes, codes), len(self.codes) - 1)
        return np.where(self.codes[at] == codes, self.columns[at], -1)


def index_of(x: Residual, columns: Ints | None, lanes: Ints) -> Index | None:
    """An index of the alike columns of a stream, or of other `columns`, by some lanes.

    None if they do not tell the columns apart.
    """
    if not 0 < len(lanes) <= _MOST_LANES:
        return None
    if columns is None:
        for counted in x.positions:
            if set(counted.lanes) == set(lanes.tolist()) and x.alike <= 1 << len(lanes):
                place = {lane: 1 << bit for bit, lane in enumerate(counted.lanes)}
                weights = np.array([place[lane] for lane in lanes.tolist()], np.int64)
                return _Counted(weights, counted.offset, x.alike)
        columns = np.arange(x.alike)
        codes = x.words(lanes.tolist())[: x.alike]
    else:
        codes = _codes(x.rest[columns - x.alike][:, lanes] > 0)
    order = np.argsort(codes, kind="stable")
    ascending = codes[order]
    if not (ascending[1:] > ascending[:-1]).all():
        return None
    return _Sorted(ascending, columns[order])


def _codes(signs: Signs) -> npt.NDArray[np.uint64]:
    """Signs (m, lanes) as numbers (m,), the first one least significant."""
    weights = np.left_shift(np.uint64(1), np.arange(signs.shape[1], dtype=np.uint64))
    codes: npt.NDArray[np.uint64] = (signs * weights).sum(axis=1, dtype=np.uint64)
    return codes
