"""LiftedEngine: machine code made from the weights, with `dense` as the fallback."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from looped.analysis import Model, analyse
from looped.artefact.plan import CompiledMachine
from looped.artefact.residual import Residual
from looped.engines.certified import Certified, FastStream
from looped.engines.engine import NOTHING, Engine, Lanes, Streams, Watch
from looped.engines.host_lanes import HostLanes
from looped.engines.late_dense import LateDense
from looped.engines.lifted.kept import Kept
from looped.engines.lifted.program import Program
from looped.engines.lifted.programs import Check, Programs, rare_lanes, unchecked
from looped.engines.lifted.record import record
from looped.engines.lifted.specialised import USUAL, Effort
from looped.engines.lifted.stream import Stream
from looped.engines.tape import Tape
from looped.engines.threads import in_threads
from looped.errors import CompileError
from looped.precision import precision

__all__ = ["LiftedEngine"]

_FEW = 1024
"""Up to so many loops take less time than handing them to a thread."""


class LiftedEngine(Certified):
    """Machine code for a compiled machine, made only from weight tensors and residual streams.

    Passes in which a guard fails fall back to the dense engine and are counted. `check` gets all
    lifted code before it is compiled (`looped.verify.translation` has a check that proves it);
    `effort` says when hot loops are compiled again. The first pass lifts the model, unless
    `program` fits; it does not take lanes for constants that the host has set by then, so that
    these need no second lift.

    `threads` are those of a call for several streams, by default one for each core.

    Raises CompileError for a device other than the CPU and for a model that is not exact in the
    dtype, even if `uncertified`; in `prepare`, for a model that cannot be lifted. Raises
    CertificateError as the dense engine does.
    """

    def __init__(
        self,
        machine: CompiledMachine,
        dtype: str = "float32",
        device: str = "cpu",
        uncertified: bool = False,
        check: Check = unchecked,
        program: Program | None = None,
        effort: Effort = USUAL,
    ) -> None:
        if device != "cpu":
            raise CompileError("the lifted engine runs on the CPU", hint="--engine dense")
        plan = machine.plan
        plan.architecture.check_plain("the lifted engine")

        def dense() -> Engine:
            from looped.engines.dense import DenseEngine  # PyTorch takes a second or two to load

            return DenseEngine(machine, dtype, device, uncertified)

        definition = LateDense(dense)

        def exact() -> Model:
            definition.make()  # so that its errors come first
            return analyse(machine.arrays, len(plan.blocks), plan.d_head, precision(dtype))

        self.threads: int | None = None
        kept = Kept(machine, dtype, uncertified)
        self.programs = Programs(exact, check, kept, program, effort, rare_lanes(plan))
        super().__init__(_Fast(self.programs), definition)

    def step(self, loops: int = 1) -> None:
        """Pass all streams through all blocks, `loops` times; several streams in `threads`."""
        if loops <= _FEW or len(self.streams) == 1:
            super().step(loops)
            return
        self.prepare()
        in_threads(
            lambda number: self._advance(number, loops, NOTHING),
            range(len(self.streams)),
            self.threads,
        )

    def twin(self) -> LiftedEngine:
        """An engine with streams of its own that shares the machine code, for another thread."""
        twin = copy.copy(self)
        twin.fallbacks, twin.streams, twin._changed = 0, [], []
        return twin

    def begin(self, x: Streams, host: Sequence[HostLanes]) -> None:
        """Begin with streams that another engine has run, whose host has set the lanes `host`."""
        self.load(x)
        for stream, lanes in zip(self.streams, host, strict=True):
            assert isinstance(stream, Stream)
            stream.host.update(lanes)

    def paused(self) -> tuple[list[Residual], list[HostLanes]]:
        """Copies of the streams, and the lanes that the host has set: what `begin` takes.

        Raises ValueError if a lane is not ±1.
        """
        found = [self.residual(number) for number in range(len(self.streams))]
        running = [stream for stream in self.streams if isinstance(stream, Stream)]
        return found, [stream.host for stream in running]

    def record(self, loops: int, watch: Watch, value: Lanes) -> Tape | None:
        """Advance the only stream, and record its passes (see `looped.engines.recording`)."""
        (stream,) = self.streams
        assert isinstance(stream, Stream)
        tape = record(stream, loops, watch, value)
        if tape is not None:
            stored = np.unique(tape.columns)
            self.note_changes(0, [watch.column, *stored[stored >= 0].tolist()])
        return tape


class _Fast:
    """Makes streams for one model."""

    def __init__(self, programs: Programs) -> None:
        self.programs = programs

    def stream(self, x: npt.NDArray[np.generic] | Residual) -> FastStream:
        """Begin with a residual stream, (columns, d_model)."""
        return Stream(self.programs, x)

    def announce(self, streams: Sequence[FastStream], note: Callable[[str], None]) -> None:
        """Lift and compile what the next pass needs. Raises CompileError if that is impossible."""
        if any(isinstance(stream, Stream) and stream.program is None for stream in streams):
            note("lifting the weights to machine code")
        for stream in streams:
            stream.prepare()
