"""EventEngine: compiled passes over the columns that change, with `dense` as the fallback."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress

import numpy as np
import numpy.typing as npt

from looped.analysis import analyse
from looped.artefact.plan import CompiledMachine
from looped.artefact.residual import Residual, compact, signs, words_of
from looped.engines.certified import Certified, FastStream, Progress
from looped.engines.dense import DenseEngine
from looped.engines.engine import NOTHING, Floats, Lanes, Numbers, Watch, Words
from looped.engines.event.compilation import COMPILE_SECONDS, on_compile
from looped.engines.event.stream import Stream, TableCache
from looped.errors import CompileError
from looped.precision import precision

__all__ = ["EventEngine"]


class EventEngine(Certified):
    """Exact incremental inference of a compiled machine's weights.

    It uses only weight tensors and residual streams. Passes that it cannot certify fall back to the
    dense engine and are counted. Raises CompileError for a device other than the CPU and for a
    model that is not exact in the dtype, even if `uncertified`; CertificateError as the dense
    engine does.
    """

    def __init__(
        self,
        machine: CompiledMachine,
        dtype: str = "float32",
        device: str = "cpu",
        uncertified: bool = False,
    ) -> None:
        if device != "cpu":
            raise CompileError("the event engine runs on the CPU", hint="--engine dense")
        plan = machine.plan
        plan.architecture.check_plain("the event engine")
        dense = DenseEngine(machine, dtype, device, uncertified)
        exact = analyse(machine.weights, len(plan.blocks), plan.d_head, precision(dtype))
        super().__init__(_Fast(TableCache(exact), plan.cpus), dense)


class _Fast:
    """Makes streams for one model."""

    def __init__(self, cache: TableCache, workers: Sequence[int]) -> None:
        self.cache = cache
        self.workers = workers

    def stream(self, x: npt.NDArray[np.generic] | Residual) -> FastStream:
        """Begin with a residual stream, (columns, d_model). Raises CompileError."""
        return _Running(self.cache, self.workers, x)

    def announce(self, streams: Sequence[FastStream], note: Callable[[str], None]) -> None:
        """Compile the passes, unless numba's cache has them."""
        with on_compile(lambda: note(f"compiling the event engine: about {COMPILE_SECONDS} s")):
            for stream in streams[:1]:
                stream.prepare()


class _Running:
    """One stream. `exact` is None if there is no `Stream` for the state: each pass is abandoned.

    There is none if a lane is not ±1, or if a head has no index for the state that the dense engine
    has left.
    """

    def __init__(
        self, cache: TableCache, workers: Sequence[int], x: npt.NDArray[np.generic] | Residual
    ) -> None:
        self._cache = cache
        self._workers = workers
        self._begin(x)

    def _begin(self, x: npt.NDArray[np.generic] | Residual) -> None:
        self.exact: Stream | None = None
        found = x if isinstance(x, Residual) else _compacted(x)
        if found is None or not found.is_signs():
            self._state = np.array(x, np.float64)
            return
        try:
            self.exact = Stream(self._cache, found, self._workers)
            self._state = np.zeros((0, 0))
        except CompileError:
            self._state = np.array(x, np.float64)
            raise

    def prepare(self) -> None:
        """Compile the passes."""
        self.advance(0, NOTHING)

    def advance(self, loops: int, watch: Watch) -> Progress:
        """Pass until `loops` passes count, `watch` stops, or a pass is abandoned."""
        if self.exact is None:
            return Progress(0, abandoned=True)
        return self.exact.advance(loops, watch)

    def touched(self) -> Lanes:
        """A set of columns that contains all that the last pass has changed."""
        assert self.exact is not None
        return self.exact.touched()

    def replace(self, x: Floats) -> None:
        """Continue with another state."""
        with suppress(CompileError):
            self._begin(x)

    def state(self) -> Floats:
        """A copy of the stream, (columns, d_model)."""
        return self._state.copy() if self.exact is None else self.exact.state().astype(np.float64)

    def residual(self) -> Residual:
        """A copy of the stream. Raises ValueError if a lane is not ±1."""
        return signs(self.state())

    def read(self, column: int, lanes: Lanes) -> Floats:
        """Some lanes of one column, (lanes,)."""
        if self.exact is None:
            return np.asarray(self._state[column, lanes])
        return self.exact.values(column, lanes).astype(np.float64)

    def rows(self, columns: Lanes) -> Numbers:
        """All lanes of some columns, (columns, d_model)."""
        return self._state[columns] if self.exact is None else self.exact.rows(columns)

    def words_in(self, lanes: Lanes) -> Words:
        """The word in some lanes of all columns, (columns,)."""
        return (
            words_of(self._state[:, lanes] > 0) if self.exact is None else self.exact.words(lanes)
        )

    def write(self, column: int, lanes: Lanes, values: Floats) -> None:
        """Set some lanes of one column."""
        signs = bool((np.abs(values) == 1).all())
        if self.exact is None or not signs or not self.exact.write(column, lanes, values):
            state = self.state()
            state[column, lanes] = values
            self.replace(state)


def _compacted(x: npt.NDArray[np.generic]) -> Residual | None:
    """A matrix as a stream without alike columns; None if a lane is not ±1."""
    return compact(x, 0) if (np.abs(x.astype(np.float64)) == 1).all() else None
