"""One residual stream in packed words, and the programs that advance such streams."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from looped import analysis
from looped.analysis.grid import Floats
from looped.analysis.hidden_sums import check_hidden_sums
from looped.engines.certified import Progress
from looped.engines.engine import NOTHING, Watch
from looped.engines.lifted.columns import behaviour
from looped.engines.lifted.lift import Lifted, lift
from looped.engines.lifted.model import sparse
from looped.engines.lifted.native import CELLS, Native, compile_code
from looped.engines.lifted.seek import seek

__all__ = ["Check", "Program", "Programs", "Stream"]

Check = Callable[[analysis.Model, Lifted], None]
Masks = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class Program:
    """Lifted code and its machine code. Lane i of a driver is bit `bit[i]` of word `word[i]` of its
    state; `word[i]` is -1 if the lane is known. `known` are the known lanes of all columns of the
    residual stream, drivers included. `cell` (columns,) is the place of each passive column among
    the cells, -1 for drivers; `number` (columns,) is the place of each driver among these, else -1.
    """

    lifted: Lifted
    native: Native
    word: npt.NDArray[np.intp]
    bit: npt.NDArray[np.uint64]
    known: npt.NDArray[np.int8]
    cell: npt.NDArray[np.intp]
    number: npt.NDArray[np.intp]

    def fits(self, x: npt.NDArray[np.int8], host: npt.NDArray[np.bool_]) -> bool:
        """Whether this program is right for the stream `x`, whose host sets the lanes `host`."""
        if len(self.known) != len(x) or (self.known[host] != 0).any():
            return False
        return bool(((self.known == 0) | (self.known == x)).all())


class Programs:
    """The programs made for a model: one serves all streams with the same constants.

    `check` gets all lifted code before it is compiled, and raises an error of its own to refuse it.
    """

    def __init__(self, model: analysis.Model, check: Check = lambda model, lifted: None) -> None:
        self.exact = model
        self.check = check
        self.model = sparse(model)
        self.made: list[Program] = []

    def find(self, x: npt.NDArray[np.int8], host: npt.NDArray[np.bool_]) -> Program:
        """The program for a stream. Raises CompileError if the model cannot be lifted."""
        for program in self.made:
            if program.fits(x, host):
                return program
        check_hidden_sums(self.exact, x, ~host)
        lifted = lift(behaviour(self.model, x, host))
        self.check(self.exact, lifted)
        bits = next(size for size in CELLS if len(lifted.packed) <= size)
        found = lifted.behaviour
        sizes = len(lifted.words), len(found.drivers), len(found.columns)
        native = compile_code(lifted.code, bits, *sizes)
        self.made.append(_program(lifted, native, len(x)))
        return self.made[-1]


def _program(lifted: Lifted, native: Native, columns: int) -> Program:
    """The places of lanes and columns in words and cells."""
    found = lifted.behaviour
    lanes = found.known.shape[1]
    word, bit = np.full(lanes, -1, np.intp), np.zeros(lanes, np.uint64)
    for n, own in enumerate(lifted.words):
        word[list(own)] = n
        bit[list(own)] = np.arange(len(own))
    known = np.zeros((columns, lanes), np.int8)
    known[found.columns] = found.known
    known[found.drivers] = found.known[found.driver]
    cell, number = np.full(columns, -1, np.intp), np.full(columns, -1, np.intp)
    cell[found.columns] = np.arange(len(found.columns))
    number[found.drivers] = np.arange(len(found.drivers))
    cell[found.drivers] = -1
    return Program(lifted, native, word, bit, known, cell, number)


class Stream:
    """A residual stream: the loaded state `x`, and from the first pass on the words of a program.

    The first pass chooses the program, because by then the host has set its lanes. A stream whose
    lanes are not all ±1 has no program, and each of its passes is abandoned.
    """

    def __init__(self, programs: Programs, x: npt.NDArray[np.generic]) -> None:
        self.programs = programs
        self.x: Floats = np.array(x, dtype=np.float64)
        self.host = np.zeros(x.shape, np.bool_)
        self.program: Program | None = None

    def advance(self, loops: int, watch: Watch) -> Progress:
        """Pass until `loops` passes count, `watch` stops, or a pass is abandoned.

        A call may also end early, after many passes that do not count.
        """
        self.prepare()
        if self.program is None:
            return Progress(0, abandoned=True)
        if len(watch.lanes) and watch.column != self.program.lifted.behaviour.driver:
            return self._advance_singly(loops, watch)
        run, stops = self.program.native.run, self.masks(watch.stops)
        quiet = self.masks(watch.mid_instruction)
        if not len(watch.patterns):
            return Progress(*run(self.words, self.cells, stops, loops, quiet))
        if len(self.program.lifted.behaviour.drivers) > 1:
            return self._advance_singly(loops, watch)
        return self._seek(loops, stops, quiet, watch)

    def touched(self) -> npt.NDArray[np.intp]:
        """The drivers, and the columns to which the last pass has stored.

        Streams share the program, so this holds only until another stream passes.
        """
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
        if self.program is None and (np.abs(self.x) == 1).all():
            self.program = self.programs.find(self.x.astype(np.int8), self.host)
            lifted, found = self.program.lifted, self.program.lifted.behaviour
            weights = np.left_shift(np.uint64(1), np.arange(len(lifted.packed), dtype=np.uint64))
            held = self.x[np.ix_(found.columns, np.array(lifted.packed, np.intp))] > 0
            packed = (held * weights).sum(axis=1, dtype=np.uint64)
            self.cells = np.append(packed, np.uint64(0)).astype(self.program.native.cell)
            self.words = np.zeros((len(lifted.words), len(found.drivers)), np.uint64)
            for driver in found.drivers.tolist():
                self._put(driver, self.x[driver])

    def replace(self, x: Floats) -> None:
        """Continue with another state."""
        self.x = x
        self.program = None

    def state(self) -> Floats:
        """A copy of the stream, (columns, d_model)."""
        if self.program is None:
            return self.x.copy()
        x: Floats = self.x.copy()
        lifted = self.program.lifted
        places = np.arange(len(lifted.packed), dtype=self.cells.dtype)
        bits = self.cells[:-1, None] >> places & 1
        x[np.ix_(lifted.behaviour.columns, np.array(lifted.packed, np.intp))] = 2.0 * bits - 1
        for driver in lifted.behaviour.drivers.tolist():
            x[driver] = self.column(driver)
        return x

    def column(self, column: int) -> Floats:
        """A copy of one column, (d_model,)."""
        result: Floats = self.x[column].copy()
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

    def read(self, column: int, lanes: npt.NDArray[np.intp]) -> Floats:
        """Some lanes of one column, (lanes,)."""
        return self.column(column)[lanes]

    def write(
        self, column: int, lanes: npt.NDArray[np.intp], values: npt.NDArray[np.generic]
    ) -> None:
        """Set some lanes of a column. To change a lane that the program takes for constant discards
        the program; so does a value other than ±1."""
        if self.program is None:
            self.host[column, lanes] = True
            self.x[column, lanes] = values
            return
        known = self.program.known[column, lanes]
        other = (known != 0) & (known != values)
        self.host[column, lanes[other | (known == 0)]] = True
        if other.any() or not (np.abs(values.astype(np.float64)) == 1).all():
            self.replace(self.state())
            self.x[column, lanes] = values
            return
        new = self.column(column)
        new[lanes] = values
        self._put(column, new)

    def _seek(self, loops: int, stops: Masks, mid_instruction: Masks, watch: Watch) -> Progress:
        """Pass until `loops` passes count, one stops or leaves a pattern in the only driver."""
        assert self.program is not None
        own = self.program.word[watch.places] >= 0
        held = self.x[watch.column, watch.places] > 0
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
