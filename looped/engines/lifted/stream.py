"""One residual stream in packed words."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from looped.analysis.grid import Floats
from looped.artefact.residual import Residual, compact, signs, words_of
from looped.engines.certified import Progress
from looped.engines.engine import NOTHING, Watch
from looped.engines.host_lanes import HostLanes
from looped.engines.lifted.apart import apart
from looped.engines.lifted.program import Program
from looped.engines.lifted.programs import Programs
from looped.engines.lifted.seek import seek
from looped.engines.lifted.specialised import Specialiser
from looped.engines.tape import gather

__all__ = ["Stream"]

_WORD = 64
"""Bits of a word."""

_FEW = 16
"""Up to so many loops are passes of the plain code: the last one notes where it stores, and more
come from callers in a hurry."""

_MANY = 64
"""From so many columns on, they are taken from one matrix."""

Masks = npt.NDArray[np.uint64]


class Stream:
    """A residual stream: the loaded state `x`, and from the first pass on the words of a program.

    The first pass chooses the program, because by then the host has set its lanes. A stream whose
    lanes are not all ±1 has no program, and each of its passes is abandoned.
    """

    def __init__(self, programs: Programs, x: Residual | npt.NDArray[np.generic]) -> None:
        self.programs = programs
        self.host = HostLanes(x.shape[1])
        self.program: Program | None = None
        self._specialiser: Specialiser | None = None
        self._matrix: npt.NDArray[Any] | None = None
        self._image = 0
        self._keep(x)

    def advance(self, loops: int, watch: Watch) -> Progress:
        """Pass until `loops` passes count, `watch` stops, or a pass is abandoned.

        A call may also end early, after many passes that do not count.
        """
        self.prepare()
        if self.program is None:
            return Progress(0, abandoned=True)
        if len(watch.lanes) and watch.column != self.program.lifted.behaviour.driver:
            return self._advance_singly(loops, watch)
        stops, quiet = self.masks(watch.stops), self.masks(watch.mid_instruction)
        if not len(watch.patterns):
            return self._run(loops, stops, quiet)
        if len(self.program.lifted.behaviour.drivers) > 1:
            return self._advance_singly(loops, watch)
        return self._seek(loops, stops, quiet, watch)

    def touched(self) -> npt.NDArray[np.intp]:
        """The drivers, and the columns to which the last pass has stored."""
        assert self.program is not None
        found, stored = self.program.lifted.behaviour, self.program.native.stored
        captured = found.columns[stored[stored < len(found.columns)]]
        return np.concatenate([found.drivers, captured]).astype(np.intp)

    def masks(self, lanes: npt.NDArray[np.intp]) -> npt.NDArray[np.uint64]:
        """Some lanes of the driver as a mask for each word."""
        assert self.program is not None
        masks = np.zeros(len(self.words), np.uint64)
        word, bit = self.program.word[lanes], self.program.bit[lanes]
        np.bitwise_or.at(masks, word[word >= 0], np.uint64(1) << bit[word >= 0])
        return masks

    def prepare(self) -> None:
        """Find a program and pack the stream into its words, unless some lane is not ±1."""
        if self.program is None and isinstance(self.x, Residual):
            found = self.programs.find(self.x, self.host)
            self.program = replace(found, native=found.native.own())
            lifted, known = self.program.lifted, self.program.lifted.behaviour
            packed = self.x.words(lifted.packed)[known.columns]
            self.cells = apart(np.append(packed, np.uint64(0)).astype(self.program.native.cell))
            self._image = self._hash()
            self.words = apart(np.zeros((len(lifted.words), len(known.drivers)), np.uint64))
            for driver in known.drivers.tolist():
                self._put(driver, self.loaded(driver))

    def _hash(self) -> int:
        """A hash of the loaded program: of all cells but those that the host has written to."""
        assert self.program is not None
        cells = self.cells.copy()
        cells[[self.program.cell[column] for column in self.host.masks]] = 0
        return hash(cells.tobytes())

    def replace(self, x: Floats) -> None:
        """Continue with another state."""
        self._keep(x)
        self.program = None

    def state(self) -> Floats:
        """A copy of the stream, (columns, d_model)."""
        if self.program is None:
            return np.array(self.x, dtype=np.float64)
        x: Floats = np.array(self.x, dtype=np.float64)
        lifted = self.program.lifted
        places = np.arange(len(lifted.packed), dtype=self.cells.dtype)
        bits = self.cells[:-1, None] >> places & 1
        x[np.ix_(lifted.behaviour.columns, np.array(lifted.packed, np.intp))] = 2.0 * bits - 1
        for driver in lifted.behaviour.drivers.tolist():
            x[driver] = self.column(driver)
        return x

    def residual(self) -> Residual:
        """A copy of the stream. Raises ValueError if a lane is not ±1."""
        x = self.x
        if not isinstance(x, Residual):
            return signs(x)
        if self.program is None:
            return x.copy()
        lifted = self.program.lifted
        others = set(lifted.packed).difference(x.lanes.tolist())
        own = 0 < x.alike <= lifted.behaviour.drivers.min() and len(x.lanes) <= _WORD
        if others or not own:
            return signs(self.state())
        rest = [self.column(column) for column in range(x.alike, len(x))]
        bits = self.words_in(x.lanes)[: x.alike, None]
        return Residual(x.row, x.lanes, bits, np.array(rest, np.int8), x.positions)

    def column(self, column: int) -> Floats:
        """A copy of one column, (d_model,)."""
        result = self.loaded(column)
        if self.program is None:
            return result
        lifted = self.program.lifted
        number = self.program.number[column]
        if number >= 0:
            word, bit = self.program.word, self.program.bit
            own = word >= 0
            result[own] = 2.0 * (self.words[word[own], number] >> bit[own] & np.uint64(1)) - 1
        elif lifted.packed:
            places = np.arange(len(lifted.packed), dtype=self.cells.dtype)
            result[list(lifted.packed)] = (
                2.0 * (self.cells[self.program.cell[column]] >> places & 1) - 1
            )
        return result

    def rows(self, columns: npt.NDArray[np.intp]) -> npt.NDArray[Any]:
        """All lanes of some columns, (columns, d_model)."""
        if len(columns) < _MANY:
            rows = [self.column(column) for column in columns.tolist()]
            return np.array(rows).reshape(len(columns), self.x.shape[1])
        if self._matrix is None:
            self._matrix = np.asarray(self.x)
        result = self._matrix[columns]
        if self.program is None:
            return result
        cell = self.program.cell[columns]
        own = np.flatnonzero(cell >= 0)
        held = self.cells[cell[own]]
        for place, lane in enumerate(self.program.lifted.packed):
            bit = (held >> held.dtype.type(place) & held.dtype.type(1)).astype(np.int8)
            result[own, lane] = 2 * bit - 1
        for row in np.flatnonzero(cell < 0).tolist():
            result[row] = self.column(int(columns[row]))
        return result

    def loaded(self, column: int) -> Floats:
        """One column as it was loaded, (d_model,)."""
        row = self.x.column(column) if isinstance(self.x, Residual) else self.x[column]
        return np.array(row, dtype=np.float64)

    def read(self, column: int, lanes: npt.NDArray[np.intp]) -> Floats:
        """Some lanes of one column, (lanes,)."""
        return self.column(column)[lanes]

    def words_in(self, lanes: npt.NDArray[np.intp]) -> Masks:
        """The word in some lanes of all columns, (columns,)."""
        x = self.x
        words = x.words(lanes.tolist()) if isinstance(x, Residual) else words_of(x[:, lanes] > 0)
        if self.program is None:
            return words
        found, cells = self.program.lifted, self.cells[:-1]
        packed = {lane: place for place, lane in enumerate(found.packed)}
        places = np.array([packed.get(lane, -1) for lane in lanes.tolist()], np.intp)
        rows = cells.view(np.uint8).reshape(len(cells), -1)
        held = gather(rows, places, np.zeros(len(lanes), np.bool_))
        known = np.uint64(sum(1 << bit for bit, place in enumerate(places.tolist()) if place < 0))
        columns = found.behaviour.columns
        words[columns] = words[columns] & known | held
        for driver in found.behaviour.drivers.tolist():
            words[driver] = words_of(self.column(driver)[None, lanes] > 0)[0]
        return words

    def write(
        self, column: int, lanes: npt.NDArray[np.intp], values: npt.NDArray[np.generic]
    ) -> None:
        """Set some lanes of a column. To change a lane that the program takes for constant discards
        the program; so does a value other than ±1."""
        if self.program is None:
            self.host.add(column, lanes)
            self._set(column, lanes, values)
            return
        known = self.program.known.column(column)[lanes]
        other = (known != 0) & (known != values)
        self.host.add(column, lanes[other | (known == 0)])
        if other.any() or not (np.abs(values.astype(np.float64)) == 1).all():
            self.replace(self.state())
            self._set(column, lanes, values)
            return
        new = self.column(column)
        new[lanes] = values
        self._put(column, new)

    def _keep(self, x: Residual | npt.NDArray[np.generic]) -> None:
        """Begin with a state: lanes of ±1 are kept as such, any others as numbers."""
        self.x: Residual | Floats
        self._matrix = None
        if isinstance(x, Residual):
            self.x = x.copy()
        elif (np.abs(x) == 1).all():
            self.x = compact(x, 0)
        else:
            self.x = np.array(x, dtype=np.float64)

    def _set(self, column: int, lanes: npt.NDArray[np.intp], values: npt.NDArray[Any]) -> None:
        """Change the loaded state."""
        signs, self._matrix = bool((np.abs(values) == 1).all()), None
        if isinstance(self.x, Residual) and signs and self.x.set(column, lanes, values):
            return
        x = np.array(self.x, dtype=np.float64)
        x[column, lanes] = values
        self._keep(x)

    def _run(self, loops: int, stops: Masks, mid_instruction: Masks) -> Progress:
        """Pass until `loops` passes count or one stops."""
        assert self.program is not None
        native = self.program.native
        if loops <= _FEW or len(self.program.lifted.behaviour.drivers) > 1:
            return Progress(*native.run(self.words, self.cells, stops, loops, mid_instruction))
        if self._specialiser is None or self._specialiser.native is not native:
            find = partial(self.programs.units, self.program, self._image)
            self._specialiser = Specialiser(native, find)
        masks = stops, mid_instruction
        return Progress(*self._specialiser.run(self.words, self.cells, masks, loops))

    def _seek(self, loops: int, stops: Masks, mid_instruction: Masks, watch: Watch) -> Progress:
        """Pass until `loops` passes count, one stops or leaves a pattern in the only driver."""
        assert self.program is not None
        own = self.program.word[watch.places] >= 0
        held = self.loaded(watch.column)[watch.places] > 0
        possible = watch.patterns[(watch.patterns == held)[:, ~own].all(axis=1)]
        rows = [self.masks(watch.places[own & row]) for row in possible]
        patterns = np.array(rows, np.uint64).reshape(len(rows), len(self.words))
        masks = stops, mid_instruction, self.masks(watch.places)
        return Progress(*seek(self.program.native, self.words, self.cells, masks, patterns, loops))

    def _advance_singly(self, loops: int, watch: Watch) -> Progress:
        """Pass one at a time, to watch lanes of a column other than the only driver."""
        done, stop = 0, False
        while done < loops and not stop:
            if self.advance(1, NOTHING).abandoned:
                return Progress(done, abandoned=True)
            stop, counts = watch.seen(self.read(watch.column, watch.lanes))
            done += counts
        return Progress(done, abandoned=False)

    def _put(self, column: int, lanes: Floats) -> None:
        """Pack one column."""
        assert self.program is not None
        lifted, driver = self.program.lifted, self.program.number[column]
        if driver < 0:
            bits = sum(1 << place for place, lane in enumerate(lifted.packed) if lanes[lane] > 0)
            self.cells[self.program.cell[column]] = self.cells.dtype.type(bits)
            return
        for number, word in enumerate(lifted.words):
            bits = sum(1 << place for place, lane in enumerate(word) if lanes[lane] > 0)
            self.words[number, driver] = np.uint64(bits)
