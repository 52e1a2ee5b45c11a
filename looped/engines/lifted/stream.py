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

__all__ = ["Check", "Program", "Programs", "Stream"]

Check = Callable[[analysis.Model, Lifted], None]


@dataclass(frozen=True)
class Program:
    """Lifted code and its machine code. Lane i of the driver is bit `bit[i]` of word `word[i]` of
    the state; `word[i]` is -1 if the lane is known."""

    lifted: Lifted
    native: Native
    word: npt.NDArray[np.intp]
    bit: npt.NDArray[np.uint64]

    def fits(self, x: npt.NDArray[np.int8], host: npt.NDArray[np.bool_]) -> bool:
        """Whether this program is right for the stream `x`, whose host sets the lanes `host`."""
        known = self.lifted.behaviour.known
        if known.shape != x.shape or (known[host] != 0).any():
            return False
        return bool(((known == 0) | (known == x)).all())


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
        native = compile_code(lifted.code, bits, len(lifted.words))
        word, bit = np.full(x.shape[1], -1, np.intp), np.zeros(x.shape[1], np.uint64)
        for number, lanes in enumerate(lifted.words):
            word[list(lanes)] = number
            bit[list(lanes)] = np.arange(len(lanes))
        self.made.append(Program(lifted, native, word, bit))
        return self.made[-1]


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
        return Progress(*run(self.words, self.cells, stops, loops, quiet))

    def touched(self) -> npt.NDArray[np.intp]:
        """The driver, and the columns to which the last pass has stored.

        Streams share the program, so this holds only until another stream passes.
        """
        assert self.program is not None
        columns = np.append(self.program.native.stored, self.program.lifted.behaviour.driver)
        return columns[columns < len(self.x)]

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
            lifted, cell = self.program.lifted, self.program.native.cell
            weights = np.left_shift(np.uint64(1), np.arange(len(lifted.packed), dtype=np.uint64))
            packed = ((self.x[:, lifted.packed] > 0) * weights).sum(axis=1, dtype=np.uint64)
            self.cells = np.append(packed, np.uint64(0)).astype(cell)
            self.words = np.zeros(len(lifted.words), np.uint64)
            self._put(lifted.behaviour.driver, self.x[lifted.behaviour.driver])

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
        bits = self.cells[: len(x), None] >> places & 1
        x[:, lifted.packed] = 2.0 * bits - 1
        x[lifted.behaviour.driver] = self.column(lifted.behaviour.driver)
        return x

    def column(self, column: int) -> Floats:
        """A copy of one column, (d_model,)."""
        result: Floats = self.x[column].copy()
        if self.program is None:
            return result
        lifted = self.program.lifted
        if column == lifted.behaviour.driver:
            word, bit = self.program.word, self.program.bit
            own = word >= 0
            result[own] = 2.0 * (self.words[word[own]] >> bit[own] & np.uint64(1)) - 1
        elif lifted.packed:
            places = np.arange(len(lifted.packed), dtype=self.cells.dtype)
            result[list(lifted.packed)] = 2.0 * (self.cells[column] >> places & 1) - 1
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
        known = self.program.lifted.behaviour.known[column, lanes]
        other = (known != 0) & (known != values)
        self.host[column, lanes[other | (known == 0)]] = True
        if other.any() or not (np.abs(values.astype(np.float64)) == 1).all():
            self.replace(self.state())
            self.x[column, lanes] = values
            return
        new = self.column(column)
        new[lanes] = values
        self._put(column, new)

    def _advance_singly(self, loops: int, watch: Watch) -> Progress:
        """Pass one at a time, to watch lanes of a column other than the driver."""
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
        lifted = self.program.lifted
        if column != lifted.behaviour.driver:
            bits = sum(1 << place for place, lane in enumerate(lifted.packed) if lanes[lane] > 0)
            self.cells[column] = self.cells.dtype.type(bits)
            return
        for number, word in enumerate(lifted.words):
            bits = sum(1 << place for place, lane in enumerate(word) if lanes[lane] > 0)
            self.words[number] = np.uint64(bits)
