"""AutoEngine: the fastest engine that can run a model."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from looped.artefact.plan import CompiledMachine
from looped.engines.engine import NOTHING, Engine, Lanes, Streams, Watch
from looped.errors import CompileError

__all__ = ["ENGINES", "AutoEngine"]


def _lifted(machine: CompiledMachine, dtype: str, device: str, uncertified: bool) -> Engine:
    from looped.engines.lifted import LiftedEngine  # LLVM takes a while to load

    return LiftedEngine(machine, dtype, device, uncertified)


def _event(machine: CompiledMachine, dtype: str, device: str, uncertified: bool) -> Engine:
    from looped.engines.event import EventEngine  # numba takes a while to load

    return EventEngine(machine, dtype, device, uncertified)


def _dense(machine: CompiledMachine, dtype: str, device: str, uncertified: bool) -> Engine:
    from looped.engines.dense import DenseEngine  # PyTorch takes a second or two to load

    return DenseEngine(machine, dtype, device, uncertified)


ENGINES: dict[str, Callable[..., Engine]] = {
    "lifted": _lifted,
    "event": _event,
    "dense": _dense,
}
"""All engines by name, the fastest first: functions of a machine, a dtype, a device, and whether
the dtype may be uncertified. The dense engine can run every model."""


class AutoEngine:
    """Uses `lifted` if the model can be lifted, else `event` if it can be indexed, else `dense`.

    The first pass chooses. A later pass can move on to a slower engine, if the host has set lanes
    that the engine took for constants. `report` gets the choice, and why faster engines refuse the
    model. Raises CompileError and CertificateError as the dense engine does.
    """

    def __init__(
        self,
        machine: CompiledMachine,
        dtype: str = "float32",
        device: str = "cpu",
        report: Callable[[str], None] = lambda text: None,
        uncertified: bool = False,
    ) -> None:
        self.machine, self.dtype, self.device = machine, dtype, device
        self.uncertified = uncertified
        self.report = report
        self.names = list(ENGINES)
        self.decided = False
        self._earlier_fallbacks = 0
        self._loaded = False
        self.engine = self._make()

    @property
    def fallbacks(self) -> int:
        """Passes of single streams that fell back to the dense engine, on every engine chosen."""
        return self._earlier_fallbacks + self.engine.fallbacks

    def load(self, x: Streams) -> None:
        """Begin with these residual streams, (batch, columns, d_model)."""
        if self._loaded:
            self.names, self.decided = list(ENGINES), False
            self.engine = self._make()
        self._begin(x)

    def prepare(self, note: Callable[[str], None] = lambda text: None) -> None:
        """Choose an engine now; otherwise the first pass does so."""
        while True:
            try:
                self.engine.prepare(note)
            except CompileError as error:
                self.report(f"not {self.names[0]}: {error}")
                state = self.engine.state()
                self._earlier_fallbacks += self.engine.fallbacks
                self.names.pop(0)
                self.engine = self._make()
                self._begin(state)
                continue
            if not self.decided:
                self.report(f"engine: {self.names[0]}")
                self.decided = True
            return

    def step(self, loops: int = 1) -> None:
        """Pass all streams through all blocks, `loops` times."""
        self.prepare()
        self.engine.step(loops)

    def advance(self, loops: int, watch: Watch = NOTHING) -> int:
        """Pass the only stream through all blocks until `loops` passes count, or `watch` stops it.

        Returns how many passes count. Raises ValueError if there are other streams.
        """
        self.prepare()
        return self.engine.advance(loops, watch)

    def changes(self, stream: int = 0) -> Lanes:
        """The columns of a stream that may have changed since the last call, in ascending order.

        The first call after `load`, and the first one on another engine, return all columns.
        """
        return self.engine.changes(stream)

    def state(self) -> npt.NDArray[np.float64]:
        """A copy of the residual streams, (batch, columns, d_model)."""
        return self.engine.state()

    def read(self, column: int, lanes: npt.NDArray[np.intp]) -> npt.NDArray[np.float64]:
        """Some lanes of one column of every stream, (batch, lanes)."""
        return self.engine.read(column, lanes)

    def write(self, stream: int, column: int, lanes: npt.NDArray[np.intp], values: object) -> None:
        """Set some lanes of one column of one stream to values (lanes,)."""
        self.engine.write(stream, column, lanes, values)

    def _make(self) -> Engine:
        """The first engine on the list that can run the model."""
        while True:
            try:
                make = ENGINES[self.names[0]]
                return make(self.machine, self.dtype, self.device, self.uncertified)
            except CompileError as error:
                self._refused(error)

    def _begin(self, x: Streams) -> None:
        """Load these streams into the engine, or into the next one that can run them."""
        self._loaded = True
        while True:
            try:
                self.engine.load(x)
                return
            except CompileError as error:
                self._refused(error)
                self.engine = self._make()

    def _refused(self, error: CompileError) -> None:
        """Strike the first engine from the list. Raises the error if there is no other."""
        if len(self.names) == 1:
            raise error
        self.report(f"not {self.names[0]}: {error}")
        self.names.pop(0)
