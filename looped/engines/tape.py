"""Tape: what each of several passes left in the driver and in the columns that it stored to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from looped.engines.engine import Lanes

__all__ = ["Bits", "Tape", "gather"]

Bits = npt.NDArray[np.uint64]


@dataclass(frozen=True, eq=False, slots=True)
class Tape:
    """Consecutive passes of one stream.

    `rows` (passes + 1, bytes) are the lanes of the driver as bits, before the first pass and after
    each one. Lane i is bit `place[i]` of a row; if `place[i]` is -1, it is always `known[i]`.
    `columns` (passes, stores) contain every other column that a pass changed, or -1, and `values`
    (passes, stores) what the pass left in the recorded word of that column.
    """

    rows: npt.NDArray[np.uint8]
    place: Lanes
    known: npt.NDArray[np.bool_]
    columns: npt.NDArray[np.int64]
    values: Bits

    def __len__(self) -> int:
        return len(self.columns)

    def word(self, lanes: Lanes) -> Bits:
        """A word of the driver, its lowest lane first, before the first pass and after each one."""
        return gather(self.rows, self.place[lanes], self.known[lanes])

    def any(self, lanes: Lanes) -> list[bool]:
        """After each pass: whether one of these lanes is +1."""
        raised: list[bool] = (self.word(lanes)[1:] != 0).tolist()
        return raised


def gather(rows: npt.NDArray[np.uint8], places: Lanes, known: npt.NDArray[np.bool_]) -> Bits:
    """Bit i of each result (...,) is bit `places[i]` of a row (..., bytes), or else `known[i]`."""
    words = np.zeros(rows.shape[:-1], np.uint64)
    for number, place in enumerate(places.tolist()):
        if place < 0:
            words |= np.uint64(int(known[number]) << number)
            continue
        bit = rows[..., place >> 3] >> np.uint8(place & 7) & np.uint8(1)
        words |= bit.astype(np.uint64) << np.uint64(number)
    return words
