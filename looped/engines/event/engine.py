"""EventEngine: the protocol of engines over compiled passes; dense where one is given up."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import numpy as np
import numpy.typing as npt

from looped.analysis import analyse
from looped.artefact.plan import CompiledMachine
from looped.engines.dense import DenseEngine
from looped.engines.engine import NO_LANES
from looped.engines.event.compilation import COMPILE_SECONDS, on_compile
from looped.engines.event.stream import Stream, TableCache
from looped.errors import CompileError
from looped.precision import precision

__all__ = ["EventEngine"]


class EventEngine:
    """Exact incremental inference of a compiled machine's weights.

    It looks at weight tensors and residual streams alone. `fallbacks` counts the passes of single
    streams that it could not certify and handed to the dense engine. Raises CompileError for a
    model that is not exact in the dtype, whether or not that is wanted, or a device that it does
    not run on; CertificateError as the dense engine does.
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
        self.dense = DenseEngine(machine, dtype, device, uncertified)
        form = precision(dtype)
        self.cache = TableCache(analyse(machine.weights, len(plan.blocks), plan.d_head, form))
        self.fallbacks = 0
        self.streams: list[_Running] = []

    def load(self, x: npt.NDArray[np.generic]) -> None:
        """Begin with these residual streams, (batch, columns, d_model)."""
        self.streams = [_Running(self.cache, stream) for stream in x]

    def prepare(self, note: Callable[[str], None] = lambda text: None) -> None:
        """Have the passes compiled, unless numba's cache has them."""
        seconds = f"compiling the event engine, once and for all: about {COMPILE_SECONDS} s"
        with on_compile(lambda: note(seconds)):
            for stream in self.streams[:1]:
                stream.advance(0, 0, NO_LANES, NO_LANES)

    def step(self, loops: int = 1) -> None:
        """Pass all streams through all blocks, `loops` times."""
        for stream in range(len(self.streams)):
            self._advance(stream, loops, 0, NO_LANES, NO_LANES)

    def run(
        self,
        column: int,
        stops: npt.NDArray[np.intp],
        loops: int,
        mid_instruction: npt.NDArray[np.intp] = NO_LANES,
    ) -> int:
        """Up to `loops` passes of the only stream, and no more after one that leaves one of the
        lanes `stops` of a column at +1; returns how many. Others that leave one of the lanes
        `mid_instruction` at +1 do not count. Raises ValueError if there are other streams."""
        if len(self.streams) != 1:
            raise ValueError(f"run is for one stream, and there are {len(self.streams)}")
        return self._advance(0, loops, column, stops, mid_instruction)

    def state(self) -> npt.NDArray[np.float64]:
        """A copy of the residual streams as they are, (batch, columns, d_model)."""
        return np.stack([running.state() for running in self.streams])

    def read(self, column: int, lanes: npt.NDArray[np.intp]) -> npt.NDArray[np.float64]:
        """Some lanes of one column of every stream, (batch, lanes)."""
        return np.stack([running.values(column, lanes) for running in self.streams])

    def write(self, stream: int, column: int, lanes: npt.NDArray[np.intp], values: object) -> None:
        """Set some lanes of one column of one stream to values (lanes,)."""
        self.streams[stream].write(column, lanes, np.asarray(values, np.float64))

    def _advance(
        self,
        number: int,
        loops: int,
        column: int,
        stops: npt.NDArray[np.intp],
        mid_instruction: npt.NDArray[np.intp],
    ) -> int:
        done = 0
        while done < loops:
            passes = self.streams[number].advance(loops - done, column, stops, mid_instruction)
            done += passes
            if passes == 0:
                self._dense_pass(number)
                uncounts = self._raised(number, column, mid_instruction)
                done += self._raised(number, column, stops) or not uncounts
            if self._raised(number, column, stops):
                break
        return done

    def _raised(self, number: int, column: int, lanes: npt.NDArray[np.intp]) -> bool:
        return bool((self.streams[number].values(column, lanes) == 1).any())

    def _dense_pass(self, number: int) -> None:
        """One pass of the dense engine, from the state before the one given up."""
        self.fallbacks += 1
        self.dense.load(self.streams[number].state()[None])
        self.dense.step()
        self.streams[number].restart(self.dense.state()[0])


class _Running:
    """One stream: `exact` while that can be, else only its `state`, and each pass is given up.

    It cannot be if a lane is not ±1, or if columns have become such that heads have no index.
    """

    def __init__(self, cache: TableCache, x: npt.NDArray[np.int8]) -> None:
        self._cache = cache
        self._begin(x)

    def _begin(self, x: npt.NDArray[np.generic]) -> None:
        self.exact: Stream | None = None
        self._state = x.astype(np.float64)
        if (np.abs(self._state) == 1).all():
            self.exact = Stream(self._cache, x.astype(np.int8))
            self._state = np.zeros((0, 0))

    def restart(self, x: npt.NDArray[np.float64]) -> None:
        with suppress(CompileError):
            self._begin(x)

    def advance(
        self,
        loops: int,
        column: int,
        stops: npt.NDArray[np.intp],
        mid_instruction: npt.NDArray[np.intp],
    ) -> int:
        return (
            0 if self.exact is None else self.exact.advance(loops, column, stops, mid_instruction)
        )

    def state(self) -> npt.NDArray[np.float64]:
        return self._state.copy() if self.exact is None else self.exact.state().astype(np.float64)

    def values(self, column: int, lanes: npt.NDArray[np.intp]) -> npt.NDArray[np.float64]:
        if self.exact is None:
            return np.asarray(self._state[column, lanes])
        return self.exact.values(column, lanes).astype(np.float64)

    def write(
        self, column: int, lanes: npt.NDArray[np.intp], values: npt.NDArray[np.float64]
    ) -> None:
        signs = bool((np.abs(values) == 1).all())
        if self.exact is None or not signs or not self.exact.write(column, lanes, values):
            state = self.state()
            state[column, lanes] = values
            self.restart(state)
