"""Tape: what each of several passes left in the driver and in the columns that it stored to."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

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

    def any(self, lanes: Lanes) -> npt.NDArray[np.bool_]:
        """After each pass, (passes,): whether one of these lanes is +1."""
        raised: npt.NDArray[np.bool_] = self.word(lanes)[1:] != 0
        return raised


def gather(rows: npt.NDArray[np.uint8], places: Lanes, known: npt.NDArray[np.bool_]) -> Bits:
    """Bit i of each result (...,) is bit `places[i]` of a row (..., bytes), or else `known[i]`."""
    spare = -rows.shape[-1] % 8
    if spare:
        rows = np.pad(rows, [(0, 0)] * (rows.ndim - 1) + [(0, spare)])
    sources = np.ascontiguousarray(rows).view(np.uint64)
    words = np.zeros(rows.shape[:-1], np.uint64)
    for first, length in _runs(places.tolist()):
        place = int(places[first])
        if place < 0:
            words |= np.uint64(int(known[first]) << first)
            continue
        bits = sources[..., place >> 6] >> np.uint64(place & 63)
        words |= (bits & np.uint64((1 << length) - 1)) << np.uint64(first)
    return words


def _runs(places: list[int]) -> list[tuple[int, int]]:
    """Where consecutive bits of one 64-bit word begin, and how many they are; -1 stands alone."""
    begun = [
        n
        for n, place in enumerate(places)
        if n == 0 or place < 0 or place != places[n - 1] + 1 or place % 64 == 0
    ]
    return [(n, end - n) for n, end in pairwise([*begun, len(places)])]
