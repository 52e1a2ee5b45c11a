"""AutoEngine: whatever runs a model at once, then the fastest engine that can run it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from looped.artefact.architecture import PLAIN
from looped.artefact.plan import CompiledMachine
from looped.artefact.residual import Residual, Residuals
from looped.cache.store import open_cache
from looped.engines.engine import NOTHING, Engine, Lanes, Numbers, Streams, Watch, Words
from looped.engines.entry import LIFTED, entry_key
from looped.engines.host_lanes import HostLanes
from looped.engines.start import Start
from looped.errors import CompileError

if TYPE_CHECKING:
    from looped.engines.lifted import LiftedEngine
    from looped.engines.lifted.lifting import Lifting
    from looped.engines.lifted.program import Program

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


_FEW = 4
"""Passes between two looks whether a faster engine is ready: about ten milliseconds."""


class AutoEngine:
    """Starts at once and gets faster: `array`, then `lifted` as soon as its machine code is ready,
    which may come twice, the second time better.

    The code of an earlier run is ready from the start. If the model cannot be lifted, the engine is
    `event` if it can be indexed, else `dense`. A later pass can move on to a slower engine, if the
    host has set lanes that the engine took for constants. Between two passes another engine takes
    over the exact state. `report` gets each choice, and why faster engines refuse the model. Raises
    CompileError and CertificateError as the dense engine does.
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
        self.names = self._all()
        self.decided = False
        self._earlier_fallbacks = 0
        self._loaded = False
        self._start: Start | None = None
        self._program: Program | None = None
        self._later: Lifting | None = None
        self.engine = self._make()

    @property
    def fallbacks(self) -> int:
        """Passes of single streams that fell back to the dense engine, on every engine chosen."""
        return self._earlier_fallbacks + self.engine.fallbacks

    def load(self, x: Streams) -> None:
        """Begin with these residual streams, (batch, columns, d_model)."""
        if self._loaded and self._start is None:
            self._earlier_fallbacks += self.engine.fallbacks
            self.names, self.decided = self._all(), False
            self.engine = self._make()
        self._begin(x)

    def prepare(self, note: Callable[[str], None] = lambda text: None) -> None:
        """Choose an engine now; otherwise the first pass does so."""
        while True:
            try:
                self.engine.prepare(note)
            except CompileError as error:
                self._move_on(error)
                continue
            if not self.decided:
                self.report(f"engine: {self.names[0] if self._start is None else 'array'}")
                self.decided = True
            return

    def settle(self) -> None:
        """Wait until the fastest engine that can run the model has taken over."""
        self.prepare()
        while self._start is not None and self._grow(wait=True):
            pass
        self._improve(wait=True)

    def step(self, loops: int = 1) -> None:
        """Pass all streams through all blocks, `loops` times."""
        self.prepare()
        self._improve()
        while self._start is not None and loops > 0:
            few = min(loops, _FEW)
            with self._start.passing():
                self.engine.step(few)
            loops -= few
            self._grow()
        self.engine.step(loops)

    def advance(self, loops: int, watch: Watch = NOTHING) -> int:
        """Pass the only stream through all blocks until `loops` passes count, or `watch` stops it.

        Returns how many passes count. Raises ValueError if there are other streams.
        """
        self.prepare()
        self._improve()
        done = 0
        while self._start is not None and done < loops:
            with self._start.passing():
                done += self.engine.advance(min(loops - done, _FEW), watch)
            stop, _ = watch.seen(self.engine.read(watch.column, watch.lanes)[0])
            self._grow()
            if stop:
                return done
        return (
            done + self.engine.advance(loops - done, watch) if done < loops or not loops else done
        )

    def changes(self, stream: int = 0) -> Lanes:
        """The columns of a stream that may have changed since the last call, in ascending order.

        The first call after `load`, and the first one on another engine, return all columns.
        """
        return self.engine.changes(stream)

    def state(self) -> npt.NDArray[np.float64]:
        """A copy of the residual streams, (batch, columns, d_model)."""
        return self.engine.state()

    def residual(self, stream: int) -> Residual:
        """A copy of one stream. Raises ValueError if a lane is not ±1."""
        return self.engine.residual(stream)

    def read(self, column: int, lanes: npt.NDArray[np.intp]) -> npt.NDArray[np.float64]:
        """Some lanes of one column of every stream, (batch, lanes)."""
        return self.engine.read(column, lanes)

    def rows(self, stream: int, columns: Lanes) -> Numbers:
        """All lanes of some columns of one stream, (columns, d_model)."""
        return self.engine.rows(stream, columns)

    def words(self, stream: int, lanes: Lanes) -> Words:
        """The word in some lanes of all columns of one stream, (columns,); above zero is a one."""
        return self.engine.words(stream, lanes)

    def write(self, stream: int, column: int, lanes: npt.NDArray[np.intp], values: object) -> None:
        """Set some lanes of one column of one stream to values (lanes,)."""
        self.engine.write(stream, column, lanes, values)

    def _all(self) -> list[str]:
        """The engines that may run the model."""
        return list(ENGINES) if self.machine.plan.architecture == PLAIN else ["dense"]

    def _make(self) -> Engine:
        """The first engine on the list that can run the model, or what runs until it is ready."""
        while True:
            try:
                if self.names[0] == "lifted" and self.device == "cpu":
                    return self._lifted()
                make = ENGINES[self.names[0]]
                return make(self.machine, self.dtype, self.device, self.uncertified)
            except CompileError as error:
                self._refused(error)

    def _lifted(self) -> Engine:
        """`lifted` with the program of an earlier run, else the start. Raises CompileError."""
        program = self._program or _kept(self.machine, self.dtype, self.uncertified)
        if program is not None:
            return self._engine_of(program)
        given = self.machine, self.dtype, self.device, self.uncertified
        self._start = Start(self.machine, self.dtype, self.uncertified, lambda: _dense(*given))
        return self._start.engine

    def _engine_of(self, program: Program | None) -> LiftedEngine:
        from looped.engines.lifted import LiftedEngine

        self._program = program
        given = self.machine, self.dtype, self.device, self.uncertified
        return LiftedEngine(*given, program=program)

    def _grow(self, wait: bool = False) -> bool:
        """Let `lifted` take over, if it is ready; returns whether another engine has done so."""
        assert self._start is not None
        array = self._start.engine
        try:
            program = self._start.program(wait)
        except CompileError as error:
            self._move_on(error)
            self.prepare()
            return True
        if program is None:
            return False
        streams = range(len(array.streams))
        try:
            found = [array.residual(stream) for stream in streams]
        except ValueError:
            return False
        host = [array.host_lanes(stream) for stream in streams]
        if not program.fits(found[0], host[0]):
            return False
        self._later = self._start.later
        self._start = None
        self._hand_over(program, found, host)
        return True

    def _improve(self, wait: bool = False) -> None:
        """Let a better program take over, if one is ready."""
        while self._later is not None and self._later.ready(None if wait else 0.0):
            from looped.engines.lifted import LiftedEngine

            program = self._later.another()
            if program is None or not isinstance(self.engine, LiftedEngine):
                self._later = None
                return
            with contextlib.suppress(ValueError):  # a lane is not ±1, so the slower one goes on
                found, host = self.engine.paused()
                if program.fits(found[0], host[0]):
                    self._hand_over(program, found, host)

    def _hand_over(self, program: Program, found: list[Residual], host: list[HostLanes]) -> None:
        """Continue these streams, whose host has set the lanes `host`, with a program."""
        self._earlier_fallbacks += self.engine.fallbacks
        lifted = self._engine_of(program)
        lifted.begin(Residuals(found), host)
        self.engine, self.decided = lifted, False
        self.prepare()

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

    def _move_on(self, error: CompileError) -> None:
        """Let the next engine take over from one that cannot go on."""
        state = self.engine.state()
        self._earlier_fallbacks += self.engine.fallbacks
        self._refused(error)
        self.engine = self._make()
        self._begin(state)

    def _refused(self, error: CompileError) -> None:
        """Strike the first engine from the list. Raises the error if there is no other."""
        if len(self.names) == 1:
            raise error
        self.report(f"not {self.names[0]}: {error}")
        self.names.pop(0)
        self._start, self.decided = None, False


def _kept(machine: CompiledMachine, dtype: str, uncertified: bool) -> Program | None:
    """The program of an earlier run, if the cache has one."""
    cache = open_cache()
    if cache.path is None or not cache.has(LIFTED, entry_key(machine, dtype, uncertified)):
        return None
    from looped.engines.lifted.kept import Kept  # LLVM takes a while to load

    return Kept(machine, dtype, uncertified).find()
