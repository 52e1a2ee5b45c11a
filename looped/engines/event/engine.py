"""EventEngine: the protocol of engines over compiled passes; dense where one is given up."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from looped.compiler.compiled import CompiledMachine
from looped.compiler.heads import UNDERFLOW
from looped.engines.dense import DenseEngine
from looped.engines.event.index import Index, index_rows
from looped.engines.event.kernel import Stream, advance, wake
from looped.engines.lifted.sparse import SparseModel, analyse
from looped.errors import CompileError

__all__ = ["EventEngine"]


class EventEngine:
    """Exact incremental inference of a compiled machine's weights.

    It looks at weight tensors and residual streams alone. `fallbacks` counts the passes of single
    streams that it could not certify and handed to the dense engine. Raises CompileError for a
    model whose sums are not exact in float32, or a dtype or device that it does not run on.
    """

    def __init__(
        self, machine: CompiledMachine, dtype: str = "float32", device: str = "cpu"
    ) -> None:
        if device != "cpu":
            raise CompileError("the event engine runs on the CPU", hint="--engine dense")
        plan = machine.plan
        self.dense = DenseEngine(machine, dtype, device)
        self.model = analyse(machine.weights, len(plan.blocks), plan.d_head)
        self.fallbacks = 0
        self.streams: list[_Running] = []

    def load(self, x: npt.NDArray[np.generic]) -> None:
        """Begin with these residual streams, (batch, columns, d_model)."""
        self.streams = [_Running(self.model, stream.copy()) for stream in x]

    def step(self, loops: int = 1) -> None:
        """Pass all streams through all blocks, `loops` times."""
        for stream in range(len(self.streams)):
            done = self.streams[stream].advance(loops)
            while done < loops:
                self._dense_pass(stream)
                done += 1 + self.streams[stream].advance(loops - done - 1)

    def state(self) -> npt.NDArray[np.float64]:
        """A copy of the residual streams as they are, (batch, columns, d_model)."""
        return np.stack([running.state() for running in self.streams])

    def read(self, column: int, lanes: npt.NDArray[np.intp]) -> npt.NDArray[np.float64]:
        """Some lanes of one column of every stream, (batch, lanes)."""
        return np.stack([running.values(column, lanes) for running in self.streams])

    def write(self, stream: int, column: int, lanes: npt.NDArray[np.intp], values: object) -> None:
        """Set some lanes of one column of one stream to values (lanes,)."""
        self.streams[stream].write(column, lanes, np.asarray(values))

    def _dense_pass(self, stream: int) -> None:
        """One pass of the dense engine, from the state before the one given up."""
        self.fallbacks += 1
        self.dense.load(self.streams[stream].state()[None])
        self.dense.step()
        self.streams[stream] = _Running(self.model, self.dense.state()[0])


class _Running:
    """One stream. If its lanes are not all ±1 they are in `astray`, and every pass is given up."""

    def __init__(self, model: SparseModel, x: npt.NDArray[np.generic]) -> None:
        self.model = model
        self.astray: npt.NDArray[np.float64] | None = None
        if not (np.abs(x) == 1).all():
            self.astray = x.astype(np.float64)
            return
        signs = np.ascontiguousarray(x, dtype=np.int8)
        self.keys: Index = index_rows(model, model.key, signs)
        self.queries: Index = index_rows(model, model.query, signs)
        self.stream = _fresh(model, self.queries, signs)
        self.delta = np.zeros(signs.shape)
        self.query = np.zeros(int(np.diff(model.dims).max(initial=1)))
        for column in range(len(signs)):
            wake(self.stream, column)

    def advance(self, loops: int) -> int:
        if self.astray is not None:
            return 0
        done = advance(
            self.model,
            self.keys,
            self.queries,
            self.stream,
            UNDERFLOW,
            loops,
            self.delta,
            self.query,
        )
        return int(done)

    def state(self) -> npt.NDArray[np.float64]:
        if self.astray is not None:
            return self.astray.copy()
        return self.stream.x.astype(np.float64)

    def values(self, column: int, lanes: npt.NDArray[np.intp]) -> npt.NDArray[np.float64]:
        if self.astray is not None:
            return np.asarray(self.astray[column, lanes])
        return np.asarray(self.stream.x[column, lanes], dtype=np.float64)

    def write(
        self, column: int, lanes: npt.NDArray[np.intp], values: npt.NDArray[np.generic]
    ) -> None:
        if self.astray is not None:
            self.astray[column, lanes] = values
            return
        self.stream.x[column, lanes] = values
        at = wake(self.stream, column)
        self.stream.work[at, lanes] = values


def _fresh(model: SparseModel, queries: Index, x: npt.NDArray[np.int8]) -> Stream:
    """A stream of which nothing is known yet: all columns are to be woken."""
    columns, width = x.shape
    heads = len(model.dims) - 1
    return Stream(
        x=x,
        work=np.zeros((columns, width)),
        hot=np.zeros(columns, np.int64),
        place=np.full(columns, -1, np.int64),
        hot_count=np.zeros(1, np.int64),
        home=np.full((heads, columns), -1, np.int32),
        dependents=np.zeros((heads, columns), np.int32),
        carried=np.zeros((columns, int(model.values[-1]))),
        least=np.full(len(queries.constant), np.inf),
        idle=np.zeros((model.blocks, width)),
        idle_known=np.zeros(model.blocks, np.bool_),
        keys=np.zeros((columns, int(model.dims[-1]))),
        loose=np.zeros((columns, heads), np.bool_),
        strayed=np.zeros((heads, columns), np.bool_),
        stays=np.zeros(columns, np.bool_),
        rovers=np.zeros((heads, columns + 1), np.int32),
        won=np.zeros((columns, heads), np.int32),
        score=np.zeros((heads, columns)),
    )
