"""CpuRows: the CPU column after each pass of a tape, beside what it should be."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from looped.artefact.plan import Plan
from looped.engines.tape import Bits, Tape
from looped.verify.difference import first_difference
from looped.verify.expected import signs

__all__ = ["CpuRows", "Words"]

Words = Mapping[str, int]
Signs = npt.NDArray[np.int8]


class CpuRows:
    """Compares rows of tapes.

    Within an instruction the lanes `free` may be anything, and the words `early`, given by their
    lanes, may be those after it.
    """

    def __init__(
        self, plan: Plan, free: npt.NDArray[np.intp], early: Mapping[str, npt.NDArray[np.intp]]
    ) -> None:
        self._plan, self._free, self._early = plan, free, early
        self._layout: _Layout | None = None

    def first_wrong(
        self,
        tape: Tape,
        first: int,
        words: Sequence[Words],
        after: Mapping[int, Words],
        busy: npt.NDArray[np.bool_],
        rest: Signs,
    ) -> tuple[int, tuple[str, str, str]] | None:
        """The number of the first row with a wrong lane, and the difference by name; None if all
        are right.

        The rows from `first` on are compared. `words` are those of the CPU in each of them, `rest`
        (d_model,) has all other lanes. Rows that are `busy` come before the end of an instruction;
        `after` has the words after it, by the number of the row, counted from `first`.
        """
        if self._layout is None or not np.array_equal(self._layout.place, tape.place):
            self._layout = _Layout(tape.place, self._free)
        layout, count = self._layout, len(words)
        found = layout.words(tape.rows[first : first + count])
        wanted, wrong = self._wanted(layout, tape.known, words, rest)
        different = (found ^ wanted) & layout.used
        different[busy] &= ~layout.free
        within = busy & different.any(axis=1) if self._early else np.zeros_like(busy)
        for number in np.flatnonzero(within).tolist():
            row = layout.signs(found[number], tape.known)
            different[number] &= ~layout.bits(self._early_lanes(row, after[number]))
        wrong |= different.any(axis=1)
        if not wrong.any():
            return None
        number = int(wrong.argmax())
        row = layout.signs(found[number], tape.known)
        should = self._row(words[number], rest)
        if busy[number]:
            should[self._free] = row[self._free]
            early = self._early_lanes(row, after[number])
            should[early] = row[early]
        column = np.array([self._plan.cpu])
        where = first_difference(self._plan, row[None], should[None], column)
        assert where is not None
        return first + number, where

    def _early_lanes(self, row: Signs, after: Words) -> npt.NDArray[np.intp]:
        """The lanes of a row whose word is already the one after the instruction."""
        lanes = [
            own
            for name, own in self._early.items()
            if np.array_equal(row[own], signs(after[name], len(own)))
        ]
        return np.concatenate([np.zeros(0, np.intp), *lanes])

    def _wanted(
        self, layout: _Layout, known: npt.NDArray[np.bool_], words: Sequence[Words], rest: Signs
    ) -> tuple[Bits, npt.NDArray[np.bool_]]:
        """The right rows, and which passes have a wrong value in a lane that no row holds."""
        names = list(words[0])
        flat = itertools.chain.from_iterable(each.values() for each in words)
        values = np.fromiter(flat, np.uint64, len(words) * len(names)).reshape(-1, len(names))
        constant = rest > 0
        wanted = np.tile(layout.row(constant, names, self._plan), (len(words), 1))
        apart = (layout.place < 0) & (known != constant)
        for name in names:
            apart[list(self._plan.words[name])] = False
        wrong = np.full(len(words), bool(apart.any()))
        for name, value in zip(names, values.T, strict=True):
            lanes = np.array(self._plan.words[name], np.intp)
            wrong |= layout.put(wanted, lanes, value, known)
        return wanted, wrong

    def _row(self, words: Words, rest: Signs) -> Signs:
        """All lanes of the CPU, (d_model,)."""
        row: Signs = rest.copy()
        for name, value in words.items():
            row[list(self._plan.words[name])] = [
                1 if value >> place & 1 else -1 for place in range(len(self._plan.words[name]))
            ]
        return row


@dataclass(init=False, eq=False)
class _Layout:
    """Lanes in the rows of a tape: lane i is bit `place[i]`, or -1 in no row. `used` are the bits
    of all lanes, `free` those of free ones, both as words."""

    place: npt.NDArray[np.intp]
    used: Bits
    free: Bits

    def __init__(self, place: npt.NDArray[np.intp], free: npt.NDArray[np.intp]) -> None:
        self.place = place
        self._width = int(place.max(initial=0)) // 64 + 1
        own = np.arange(len(place))
        self.used = self.bits(own)
        self.free = self.bits(free)

    def words(self, rows: npt.NDArray[np.uint8]) -> Bits:
        """Rows as words of 64 bits, (passes, words)."""
        spare = 8 * self._width - rows.shape[1]
        if spare > 0:
            rows = np.pad(rows, [(0, 0), (0, spare)])
        return np.ascontiguousarray(rows[:, : 8 * self._width]).view(np.uint64)

    def row(self, ones: npt.NDArray[np.bool_], without: Sequence[str], plan: Plan) -> Bits:
        """One row of constant lanes, `ones` (d_model,); zeros for the words `without`."""
        held = ones.copy()
        for name in without:
            held[list(plan.words[name])] = False
        return self.bits(np.flatnonzero(held))

    def signs(self, row: Bits, known: npt.NDArray[np.bool_]) -> Signs:
        """All lanes of one row, (d_model,)."""
        place = np.maximum(self.place, 0)
        held = row[place >> 6] >> (place & 63).astype(np.uint64) & np.uint64(1)
        ones = np.where(self.place < 0, known, held.astype(np.bool_))
        return np.where(ones, 1, -1).astype(np.int8)

    def put(
        self,
        rows: Bits,
        lanes: npt.NDArray[np.intp],
        values: Bits,
        known: npt.NDArray[np.bool_],
    ) -> npt.NDArray[np.bool_]:
        """Put a word into rows; returns in which passes a lane that no row holds is wrong."""
        wrong = np.zeros(len(rows), np.bool_)
        for first, length in _runs(self.place[lanes].tolist()):
            place, bits = int(self.place[lanes[first]]), values >> np.uint64(first)
            if place < 0:
                wrong |= (bits & np.uint64(1)).astype(np.bool_) != known[lanes[first]]
                continue
            held = bits & np.uint64((1 << length) - 1)
            rows[:, place >> 6] |= held << np.uint64(place & 63)
        return wrong

    def bits(self, lanes: npt.NDArray[np.intp]) -> Bits:
        """Some lanes as a mask."""
        mask = np.zeros(self._width, np.uint64)
        place = self.place[lanes]
        place = place[place >= 0]
        np.bitwise_or.at(mask, place >> 6, np.uint64(1) << (place & 63).astype(np.uint64))
        return mask


def _runs(places: list[int]) -> list[tuple[int, int]]:
    """Where lanes begin that are consecutive bits of one word, and how many; -1 stands alone."""
    begun = [
        n
        for n, place in enumerate(places)
        if n == 0 or place < 0 or place != places[n - 1] + 1 or place % 64 == 0
    ]
    return [(n, end - n) for n, end in pairwise([*begun, len(places)])]
