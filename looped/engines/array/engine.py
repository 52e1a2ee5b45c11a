"""ArrayEngine: exact passes in NumPy over the columns that change."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from looped.analysis.model import Model
from looped.artefact.residual import Residual, compact, signs, words_of
from looped.engines.array.columns import Columns
from looped.engines.array.kept import KeptTables
from looped.engines.array.passes import Uncertain, one_pass
from looped.engines.array.tables import Tables
from looped.engines.array.tabulate import tabulate
from looped.engines.certified import Certified, Definition, FastStream, Progress
from looped.engines.engine import Floats, Lanes, Numbers, Watch, Words
from looped.engines.host_lanes import HostLanes
from looped.errors import CompileError

__all__ = ["ArrayEngine"]

_PASSES = 64
"""A call ends after so many passes that do not count, beyond one for each loop. Each takes about a
millisecond, whatever the size of the memory."""


class ArrayEngine(Certified):
    """Runs a model in exact integers, some hundred passes a second, at once.

    Nothing is compiled, and neither PyTorch nor LLVM is loaded unless a pass needs `dense`. Passes
    that it cannot certify fall back to `dense` and are counted. `load` raises CompileError if sums
    of hidden units are not exact in the streams, or if too many columns are not alike. Of a stream
    that is a matrix, the first `alike` columns may be. `kept` are tables of an earlier run: a
    stream that they are right for needs no `model`.
    """

    def __init__(
        self,
        model: Callable[[], Model],
        dense: Definition,
        alike: int = 0,
        kept: KeptTables | None = None,
    ) -> None:
        super().__init__(_Fast(model, alike, kept), dense)

    def beginning(self, stream: int) -> Residual | None:
        """A stream as it was loaded, (columns, d_model); None if a lane was not ±1."""
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

    def __init__(self, model: Callable[[], Model], alike: int, kept: KeptTables | None) -> None:
        self._model, self._alike, self._kept = model, alike, kept

    def stream(self, x: npt.NDArray[np.generic] | Residual) -> FastStream:
        """Begin with a residual stream, (columns, d_model). Raises CompileError."""
        return _Running(self.tables, x, self._alike)

    def tables(self, x: Residual) -> Tables:
        """The tables for a stream. Raises CompileError."""
        found = None if self._kept is None else self._kept.tables(x)
        if found is None:
            found = tabulate(self._model(), x)
            if self._kept is not None:
                self._kept.keep(found)
        return found

    def announce(self, streams: Sequence[FastStream], note: Callable[[str], None]) -> None:
        """Do nothing: there is nothing to prepare."""


class _Running:
    """One stream. `columns` is None if a lane is not ±1: then each pass is abandoned."""

    def __init__(
        self,
        make: Callable[[Residual], Tables],
        x: npt.NDArray[np.generic] | Residual,
        alike: int,
    ) -> None:
        self._make, self._alike = make, alike
        self.host = HostLanes(x.shape[1])
        self._touched: Lanes = np.zeros(0, np.intp)
        self._begin(x)
        self.beginning = None if self.columns is None else self.columns.first

    def _begin(self, x: npt.NDArray[np.generic] | Residual) -> None:
        self.columns: Columns | None = None
        self._state: Floats = np.zeros((0, 0))
        if not isinstance(x, Residual) and (np.abs(x) == 1).all():
            x = compact(x, self._alike)
        if isinstance(x, Residual):
            self._tables = self._make(x)
            self.columns = Columns(self._tables, x)
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
            stop, counts = watch.seen(self.columns.row(watch.column)[watch.lanes])
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
        return self._state.copy() if self.columns is None else self.columns.state().astype(float)

    def residual(self) -> Residual:
        """A copy of the stream. Raises ValueError if a lane is not ±1."""
        return signs(self._state) if self.columns is None else self.columns.residual()

    def read(self, column: int, lanes: Lanes) -> Floats:
        """Some lanes of one column, (lanes,)."""
        row = self._state[column] if self.columns is None else self.columns.row(column)
        return np.asarray(row[lanes], np.float64)

    def rows(self, columns: Lanes) -> Numbers:
        """All lanes of some columns, (columns, d_model)."""
        return self._state[columns] if self.columns is None else self.columns.rows(columns)

    def words_in(self, lanes: Lanes) -> Words:
        """The word in some lanes of all columns, (columns,)."""
        if self.columns is None:
            return words_of(self._state[:, lanes] > 0)
        return self.columns.residual().words(lanes.tolist())

    def write(self, column: int, lanes: Lanes, values: Floats) -> None:
        """Set some lanes of one column."""
        self.host.add(column, lanes)
        if self.columns is not None:
            row = self.columns.row(column).copy()
            static = self._tables.static[lanes] & (row[lanes] != values)
            if (np.abs(values) == 1).all() and not static.any():
                row[lanes] = values
                self.columns.set(column, row)
                return
        state = self.state()
        state[column, lanes] = values
        self.replace(state)
