"""Residual streams whose many columns of memory take a few bits each.

The columns of memory agree in almost all lanes: they differ in their position and their value. So a
stream keeps one row for all of them, which lanes hold positions, and a column's own lanes as bits.
It stands for the matrix (columns, d_model), which `numpy.asarray` makes of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["Positions", "Residual", "Residuals", "compact", "signs", "words_of"]

_WORD = 64

Int8s = npt.NDArray[np.int8]
Words = npt.NDArray[np.uint64]


class Positions(NamedTuple):
    """Lanes that hold positions: column c of n alike columns holds (c + `offset`) mod n in `lanes`,
    lowest bit first."""

    lanes: tuple[int, ...]
    offset: int


@dataclass(eq=False)
class Residual:
    """A matrix (columns, d_model) of -1, 0 and +1.

    The first columns agree in `row` (d_model,), except in the lanes of `positions` and in `lanes`
    (k,): there column c has the bits `bits[c]` (columns, words), bit i for `lanes[i]`, one for +1.
    `rest` are the other columns. Words that are zero need not take memory (`numpy.zeros`).
    """

    row: Int8s
    lanes: npt.NDArray[np.intp]
    bits: Words
    rest: Int8s
    positions: tuple[Positions, ...] = ()

    @property
    def shape(self) -> tuple[int, int]:
        """Columns and lanes."""
        return len(self.bits) + len(self.rest), len(self.row)

    @property
    def alike(self) -> int:
        """How many columns have `row` in common."""
        return len(self.bits)

    def __len__(self) -> int:
        return self.shape[0]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        whole = np.empty(self.shape, np.int8)
        whole[: self.alike] = self.row
        for lane in [*self._counted, *self.lanes.tolist()]:
            whole[: self.alike, lane] = self._signs([lane])[:, 0]
        whole[self.alike :] = self.rest
        return whole if dtype is None else whole.astype(dtype)

    def is_signs(self) -> bool:
        """Whether no lane is 0."""
        shared = np.ones(len(self.row), np.bool_)
        shared[[*self._counted, *self.lanes.tolist()]] = False
        return bool(self.rest.all() and (self.alike == 0 or self.row[shared].all()))

    def copy(self) -> Residual:
        """A copy, whose lanes can be set."""
        bits = np.zeros(self.bits.shape, self.bits.dtype)
        used = np.flatnonzero(self.bits.any(axis=1))
        bits[used] = self.bits[used]
        return Residual(self.row, self.lanes, bits, self.rest.copy(), self.positions)

    def set(self, column: int, lanes: npt.NDArray[np.intp], values: npt.NDArray[Any]) -> bool:
        """Set some lanes of a column to ±1; False, and no change, if it has no place for a lane."""
        if column >= self.alike:
            self.rest[column - self.alike, lanes] = values
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
        return self.lanes_of([lane])[:, 0]

    def lanes_of(self, lanes: Sequence[int]) -> Int8s:
        """Some lanes of all columns, (columns, lanes)."""
        return np.concatenate([self._signs(lanes), self.rest[:, list(lanes)]])

    def column(self, column: int) -> Int8s:
        """All lanes of one column, (d_model,)."""
        if column >= self.alike:
            device: Int8s = self.rest[column - self.alike].copy()
            return device
        row = self.row.copy()
        for lanes, offset in self.positions:
            position = (column + offset) % self.alike
            row[list(lanes)] = [2 * (position >> place & 1) - 1 for place in range(len(lanes))]
        places = np.arange(len(self.lanes))
        own = self.bits[column, places // _WORD] >> (places % _WORD).astype(np.uint64)
        row[self.lanes] = 2 * (own & np.uint64(1)).astype(np.int8) - 1
        return row

    def words(self, lanes: Sequence[int]) -> Words:
        """At most 64 lanes of all columns as words, (columns,), the first lane as bit 0."""
        result = np.zeros(len(self), np.uint64)
        alike = result[: self.alike]
        for first, length, (source, shift) in self._runs(lanes):
            bits = self._source(source) >> np.uint64(shift) & np.uint64((1 << length) - 1)
            alike |= bits << np.uint64(first)
        for place, lane in enumerate(lanes):
            if self._place(lane) is None and self.row[lane] > 0:
                alike |= np.uint64(1 << place)
            result[self.alike :] |= (self.rest[:, lane] > 0).astype(np.uint64) << np.uint64(place)
        return result

    def agrees(self, known: Residual) -> bool:
        """Whether all lanes are as those of `known` that are not 0."""
        if self.shape != known.shape or self.alike != known.alike:
            return bool(((np.asarray(known) == 0) | (np.asarray(known) == np.asarray(self))).all())
        if not ((known.rest == 0) | (known.rest == self.rest)).all():
            return False
        mine, theirs = self._counted, known._counted
        shared = {lane for lane, place in mine.items() if theirs.get(lane) == place}
        differing = ({*self.lanes.tolist(), *known.lanes.tolist(), *mine, *theirs}) - shared
        same = (known.row == 0) | (known.row == self.row)
        same[[*differing, *shared]] = True
        if not same.all():
            return False
        given = (n for n in differing if known._place(n) is not None or known.row[n])
        return all((self._signs([n]) == known._signs([n])).all() for n in given)

    @property
    def _counted(self) -> dict[int, tuple[int, int]]:
        """The lanes of positions, each with its offset and its bit."""
        return {
            lane: (offset % max(1, self.alike), bit)
            for lanes, offset in self.positions
            for bit, lane in enumerate(lanes)
        }

    def _place(self, lane: int) -> tuple[int, int] | None:
        """Where alike columns have a lane: the number of a source, see `_source`, and a bit of it;
        None for a lane of `row`."""
        found = np.flatnonzero(self.lanes == lane)
        if len(found):
            return divmod(int(found[0]), _WORD)
        for number, (lanes, _) in enumerate(self.positions):
            if lane in lanes:
                return -1 - number, lanes.index(lane)
        return None

    def _source(self, source: int) -> Words:
        """Words of alike columns, (alike,): a column of `bits`, or positions if it is negative."""
        if source >= 0:
            return self.bits[:, source]
        numbers = np.arange(self.alike, dtype=np.int64) + self.positions[-1 - source].offset
        return (numbers % max(1, self.alike)).astype(np.uint64)

    def _runs(self, lanes: Sequence[int]) -> Iterator[tuple[int, int, tuple[int, int]]]:
        """Lanes that are consecutive bits of one source: the first one's number, how many they are,
        and its place."""
        places = [*map(self._place, lanes), None]
        first = 0
        for number in range(1, len(places)):
            begin = places[first]
            if begin is None or places[number] != (begin[0], begin[1] + number - first):
                if begin is not None:
                    yield first, number - first, begin
                first = number

    def _signs(self, lanes: Sequence[int]) -> Int8s:
        """Some lanes of all alike columns, (alike, lanes)."""
        signs = np.empty((self.alike, len(lanes)), np.int8)
        for number, lane in enumerate(lanes):
            place = self._place(lane)
            if place is None:
                signs[:, number] = self.row[lane]
            else:
                bit = self._source(place[0]) >> np.uint64(place[1]) & np.uint64(1)
                signs[:, number] = 2 * bit.astype(np.int8) - 1
        return signs


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


def words_of(ones: npt.NDArray[np.bool_]) -> Words:
    """Lanes (columns, at most 64), true for +1, as words (columns,), the first lane as bit 0."""
    result = np.zeros(len(ones), np.uint64)
    for bit in range(ones.shape[1]):
        result |= ones[:, bit].astype(np.uint64) << np.uint64(bit)
    return result


def signs(x: npt.NDArray[Any]) -> Residual:
    """A matrix of ±1. Raises ValueError for any other."""
    if not (np.abs(x) == 1).all():
        raise ValueError("a lane is not ±1")
    return compact(x, 0)


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
