"""LiftedEngine: the protocol of engines over machine code made from the weights."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from looped.analysis import analyse
from looped.artefact.plan import CompiledMachine
from looped.engines.dense import DenseEngine
from looped.engines.engine import NO_LANES
from looped.engines.lifted.stream import Check, Programs, Stream
from looped.errors import CompileError
from looped.precision import precision

__all__ = ["LiftedEngine"]


class LiftedEngine:
    """Machine code for a compiled machine, made from weight tensors and residual streams alone.

    `fallbacks` counts the passes of single streams in which a guard failed, which the dense engine
    did instead. `check` is shown every lift before it is compiled (`looped.verify.translation` has
    one that proves it). Raises CompileError for a model that is not exact in the dtype, whether or
    not that is wanted, or cannot be lifted, when streams are loaded, and for a device that it does
    not run on; CertificateError as the dense engine does.
    """

    def __init__(
        self,
        machine: CompiledMachine,
        dtype: str = "float32",
        device: str = "cpu",
        uncertified: bool = False,
        check: Check = lambda model, lifted: None,
    ) -> None:
        if device != "cpu":
            raise CompileError("the lifted engine runs on the CPU", hint="--engine dense")
        plan = machine.plan
        self.dense = DenseEngine(machine, dtype, device, uncertified)
        exact = analyse(machine.weights, len(plan.blocks), plan.d_head, precision(dtype))
        self.programs = Programs(exact, check)
        self.fallbacks = 0
        self.streams: list[Stream] = []

    def load(self, x: npt.NDArray[np.generic]) -> None:
        """Begin with these residual streams, (batch, columns, d_model)."""
        self.streams = [Stream(self.programs, stream) for stream in x]

    def prepare(self, note: Callable[[str], None] = lambda text: None) -> None:
        """Lift and compile whatever the next pass needs. Raises CompileError if that is impossible.

        It is done by itself when the first pass is due; lanes that the host sets before that are
        known to be the host's, and need no second compilation.
        """
        if any(stream.program is None for stream in self.streams):
            note("lifting the weights to machine code")
        for stream in self.streams:
            stream.prepare()

    def step(self, loops: int = 1) -> None:
        """Pass all streams through all blocks, `loops` times."""
        for stream in range(len(self.streams)):
            self._run(stream, 0, NO_LANES, loops, NO_LANES)

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
        return self._run(0, column, stops, loops, mid_instruction)

    def state(self) -> npt.NDArray[np.float64]:
        """A copy of the residual streams as they are, (batch, columns, d_model)."""
        return np.stack([running.state() for running in self.streams])

    def read(self, column: int, lanes: npt.NDArray[np.intp]) -> npt.NDArray[np.float64]:
        """Some lanes of one column of every stream, (batch, lanes)."""
        return np.stack([running.column(column)[lanes] for running in self.streams])

    def write(self, stream: int, column: int, lanes: npt.NDArray[np.intp], values: object) -> None:
        """Set some lanes of one column of one stream to values (lanes,)."""
        self.streams[stream].write(column, lanes, np.asarray(values))

    def _run(
        self,
        stream: int,
        column: int,
        stops: npt.NDArray[np.intp],
        loops: int,
        mid_instruction: npt.NDArray[np.intp],
    ) -> int:
        """Passes of one stream; those that are given up are done by the dense engine."""
        running = self.streams[stream]
        done = 0
        while done < loops:
            passes = running.run(column, stops, loops - done, mid_instruction)
            done += passes
            if passes == 0:
                self.fallbacks += 1
                self.dense.load(running.state()[None])
                self.dense.step()
                running.replace(self.dense.state()[0])
                uncounts = running.raised(column, mid_instruction)
                done += running.raised(column, stops) or not uncounts
            if running.raised(column, stops):
                break
        return done
