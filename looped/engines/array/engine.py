"""ArrayEngine: exact passes in NumPy over the columns that change."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from looped.analysis.model import Model
from looped.artefact.residual import Residual, signs, words_of
from looped.engines.array.kept import KeptTables
from looped.engines.array.passes import Columns, Uncertain, one_pass
from looped.engines.array.tables import Tables, tabulate
from looped.engines.certified import Certified, Definition, FastStream, Progress
from looped.engines.engine import Floats, Lanes, Watch, Words
from looped.engines.host_lanes import HostLanes
from looped.errors import CompileError

__all__ = ["ArrayEngine"]

_PASSES = 64
"""A call ends after so many passes that do not count, beyond one for each loop. Each takes about a
millisecond."""


class ArrayEngine(Certified):
    """Runs a model in exact integers, some hundred passes a second, at once.

    Nothing is compiled, and neither PyTorch nor LLVM is loaded unless a pass needs `dense`. Passes
    that it cannot certify fall back to `dense` and are counted. `load` raises CompileError if sums
    of hidden units are not exact in the streams. `kept` are tables of an earlier run: a stream that
    they are right for needs no `model`.
    """

    def __init__(
        self, model: Callable[[], Model], dense: Definition, kept: KeptTables | None = None
    ) -> None:
        super().__init__(_Fast(model, kept), dense)

    def beginning(self, stream: int) -> npt.NDArray[np.generic] | Residual:
        """A stream as it was loaded, (columns, d_model)."""
        return self._running(stream).beginning

    def host_lanes(self, stream: int) -> HostLanes:
        """The lanes of a stream that the host has set."""
        return self._running(stream).host

    def _running(self, stream: int) -> _Running:
        running = self.streams[stream]
        assert isinstance(running, _Running)
        return running


class _Fast:
    """Makes streams for one model."""

    def __init__(self, model: Callable[[], Model], kept: KeptTables | None) -> None:
        self._model, self._kept = model, kept

    def stream(self, x: npt.NDArray[np.generic] | Residual) -> FastStream:
        """Begin with a residual stream, (columns, d_model). Raises CompileError."""
        return _Running(self.tables, x)

    def tables(self, x: npt.NDArray[np.int8]) -> Tables:
        """The tables for a stream. Raises CompileError."""
        found = None if self._kept is None else self._kept.tables(x)
        if found is None:
            found = tabulate(self._model(), x)
            if self._kept is not None:
                self._kept.keep(found, x)
        return found

    def announce(self, streams: Sequence[FastStream], note: Callable[[str], None]) -> None:
        """Do nothing: there is nothing to prepare."""


class _Running:
    """One stream. `columns` is None if a lane is not ±1: then each pass is abandoned."""

    def __init__(
        self,
        make: Callable[[npt.NDArray[np.int8]], Tables],
        x: npt.NDArray[np.generic] | Residual,
    ) -> None:
        self._make = make
        self.beginning = x
        self.host = HostLanes(x.shape[1])
        self._touched: Lanes = np.zeros(0, np.intp)
        self._begin(np.asarray(x))

    def _begin(self, x: npt.NDArray[np.generic]) -> None:
        self.columns: Columns | None = None
        self._state: Floats = np.zeros((0, 0))
        if ((x == 1) | (x == -1)).all():
            signs = x.astype(np.int8)
            self._tables = self._make(signs)
            self.columns = Columns(self._tables, signs)
        else:
            self._state = x.astype(np.float64)

    def prepare(self) -> None:
        """Do nothing."""

    def advance(self, loops: int, watch: Watch) -> Progress:
        """Pass until `loops` passes count, `watch` stops, or a pass is abandoned."""
        if self.columns is None:
            return Progress(0, abandoned=True)
        done = 0
        for _ in range(loops + _PASSES if loops else 0):
            try:
                self._touched = one_pass(self._tables, self.columns)
            except Uncertain:
                return Progress(done, abandoned=True)
            stop, counts = watch.seen(self.columns.x[watch.column, watch.lanes])
            done += counts
            if stop or done == loops:
                break
        return Progress(done, abandoned=False)

    def touched(self) -> Lanes:
        """The columns that the last pass has evaluated."""
        return self._touched

    def replace(self, x: Floats) -> None:
        """Continue with another state."""
        try:
            self._begin(x)
        except CompileError:
            self.columns, self._state = None, x

    def state(self) -> Floats:
        """A copy of the stream, (columns, d_model)."""
        return self._state.copy() if self.columns is None else self.columns.x.astype(np.float64)

    def residual(self) -> Residual:
        """A copy of the stream. Raises ValueError if a lane is not ±1."""
        return signs(self.state())

    def read(self, column: int, lanes: Lanes) -> Floats:
        """Some lanes of one column, (lanes,)."""
        if self.columns is None:
            return np.asarray(self._state[column, lanes])
        return np.asarray(self.columns.x[column, lanes], np.float64)

    def words_in(self, lanes: Lanes) -> Words:
        """The word in some lanes of all columns, (columns,)."""
        x = self._state if self.columns is None else self.columns.x
        return words_of(x[:, lanes] > 0)

    def write(self, column: int, lanes: Lanes, values: Floats) -> None:
        """Set some lanes of one column."""
        self.host.add(column, lanes)
        if self.columns is not None:
            x = self.columns.x
            static = self._tables.static[lanes] & (x[column, lanes] != values)
            if (np.abs(values) == 1).all() and not static.any():
                x[column, lanes] = values
                self.columns.touch(column)
                return
        state = self.state()
        state[column, lanes] = values
        self.replace(state)
