"""Residual streams whose many columns of memory take a few bits each.

The columns of memory agree in almost all lanes: they differ in their position and their value. So a
stream keeps one row for all of them, and a column's own lanes as bits. It stands for the matrix
(columns, d_model), which `numpy.asarray` makes of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Residual", "Residuals", "compact"]

_WORD = 64

Int8s = npt.NDArray[np.int8]


@dataclass(eq=False)
class Residual:
    """A matrix (columns, d_model) of -1, 0 and +1.

    The first columns agree in `row` (d_model,), except in `lanes` (k,): there column c has the bits
    `bits[c]` (columns, words), bit i for `lanes[i]`, one for +1. `rest` are the other columns.
    """

    row: Int8s
    lanes: npt.NDArray[np.intp]
    bits: npt.NDArray[np.uint64]
    rest: Int8s

    @property
    def shape(self) -> tuple[int, int]:
        """Columns and lanes."""
        return len(self.bits) + len(self.rest), len(self.row)

    def __len__(self) -> int:
        return self.shape[0]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        whole = np.empty(self.shape, np.int8)
        whole[: len(self.bits)] = self.row
        for place, lane in enumerate(self.lanes.tolist()):
            whole[: len(self.bits), lane] = 2 * self._bit(place).astype(np.int8) - 1
        whole[len(self.bits) :] = self.rest
        return whole if dtype is None else whole.astype(dtype)

    def copy(self) -> Residual:
        """A copy, whose lanes can be set."""
        return Residual(self.row, self.lanes, self.bits.copy(), self.rest.copy())

    def set(self, column: int, lanes: npt.NDArray[np.intp], values: npt.NDArray[Any]) -> bool:
        """Set some lanes of a column to ±1; False, and no change, if it has no place for a lane."""
        if column >= len(self.bits):
            self.rest[column - len(self.bits), lanes] = values
            return True
        if not np.isin(lanes, self.lanes).all():
            return False
        for lane, value in zip(lanes.tolist(), values.tolist(), strict=True):
            word, shift = divmod(int(np.flatnonzero(self.lanes == lane)[0]), _WORD)
            bit = np.uint64(1) << np.uint64(shift)
            held = self.bits[column, word]
            self.bits[column, word] = held | bit if value > 0 else held & ~bit
        return True

    def lane(self, lane: int) -> Int8s:
        """One lane of all columns, (columns,)."""
        found = np.flatnonzero(self.lanes == lane)
        if len(found):
            first = 2 * self._bit(int(found[0])).astype(np.int8) - 1
        else:
            first = np.full(len(self.bits), self.row[lane], np.int8)
        return np.concatenate([first, self.rest[:, lane]])

    def column(self, column: int) -> Int8s:
        """All lanes of one column, (d_model,)."""
        if column >= len(self.bits):
            device: Int8s = self.rest[column - len(self.bits)].copy()
            return device
        row = self.row.copy()
        places = np.arange(len(self.lanes))
        own = self.bits[column, places // _WORD] >> (places % _WORD).astype(np.uint64)
        row[self.lanes] = 2 * (own & np.uint64(1)).astype(np.int8) - 1
        return row

    def words(self, lanes: Sequence[int]) -> npt.NDArray[np.uint64]:
        """At most 64 lanes of all columns as words, (columns,), the first lane as bit 0."""
        result = np.zeros(len(self), np.uint64)
        for place, lane in enumerate(lanes):
            result |= (self.lane(lane) > 0).astype(np.uint64) << np.uint64(place)
        return result

    def agrees(self, known: Residual) -> bool:
        """Whether all lanes are as those of `known` that are not 0."""
        if self.shape != known.shape or len(self.bits) != len(known.bits):
            return bool(((np.asarray(known) == 0) | (np.asarray(known) == np.asarray(self))).all())
        if not ((known.rest == 0) | (known.rest == self.rest)).all():
            return False
        differing = {*self.lanes.tolist(), *known.lanes.tolist()}
        same = (known.row == 0) | (known.row == self.row)
        same[list(differing)] = True
        if not same.all():
            return False
        given = (lane for lane in differing if lane in known.lanes or known.row[lane])
        memory = len(self.bits)
        return all((self.lane(n)[:memory] == known.lane(n)[:memory]).all() for n in given)

    def _bit(self, place: int) -> npt.NDArray[np.uint64]:
        word, shift = divmod(place, _WORD)
        return self.bits[:, word] >> np.uint64(shift) & np.uint64(1)


class Residuals:
    """A batch of residual streams of one shape: (batch, columns, d_model)."""

    def __init__(self, streams: Sequence[Residual]) -> None:
        self.streams = streams
        self.shape = (len(streams), *streams[0].shape)

    def __len__(self) -> int:
        return len(self.streams)

    def __iter__(self) -> Iterator[Residual]:
        return iter(self.streams)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        return np.stack([np.asarray(stream, dtype) for stream in self.streams])


def compact(x: npt.NDArray[Any], alike: int) -> Residual:
    """A matrix of -1, 0 and +1 whose first `alike` columns are much alike.

    Lanes of these in which some are 0, and not all, keep them all apart: then `rest` is the matrix.
    """
    first = x[:alike]
    lanes = np.flatnonzero((first != first[:1]).any(axis=0))
    if alike == 0 or (first[:, lanes] == 0).any():
        nothing = np.zeros((0, 0), np.uint64)
        return Residual(np.zeros(x.shape[1], np.int8), lanes[:0], nothing, x.astype(np.int8))
    bits = np.zeros((alike, -(-len(lanes) // _WORD)), np.uint64)
    for place, lane in enumerate(lanes.tolist()):
        word, shift = divmod(place, _WORD)
        bits[:, word] |= (first[:, lane] > 0).astype(np.uint64) << np.uint64(shift)
    return Residual(first[0].astype(np.int8), lanes, bits, x[alike:].astype(np.int8))
