"""Start: the first tier. It runs a machine at once, in NumPy, and lifts it if the run lasts."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from looped.analysis import Model, analyse
from looped.artefact.plan import CompiledMachine
from looped.engines.array import ArrayEngine
from looped.engines.array.kept import KeptTables
from looped.engines.engine import Engine
from looped.engines.late_dense import LateDense
from looped.precision import precision

if TYPE_CHECKING:
    from looped.engines.lifted.lifting import Lifting
    from looped.engines.lifted.program import Program

__all__ = ["Start"]

_PATIENCE = 1e-5
"""Seconds of the processor in passes before lifting begins, for each weight that is not zero. That
is 0.03 s for SUBLEQ and 0.2 s for RV32I, a tenth of the time that lifting takes."""

_EAGER = 1.5
"""Seconds in passes after which a run that others keep waiting waits once more, at most as long as
its passes took. Until then it may well end before the code is ready; from then on its passes take
time from the lifting, unless a processor is free for them."""

_PAUSE = 0.1
"""The longest of these waits in seconds, so that signals and time limits are served."""


class Start:
    """An engine that runs at once, and the program that will replace it.

    Raises CompileError for a model that is not exact in the dtype, and CertificateError as `dense`
    does, the engine that `make_dense` makes.
    """

    def __init__(
        self,
        machine: CompiledMachine,
        dtype: str,
        uncertified: bool,
        make_dense: Callable[[], Engine],
    ) -> None:
        machine.plan.architecture.check_plain("the array engine")
        form = precision(dtype)
        dense = LateDense(make_dense)
        if not (uncertified or form.holds(precision(machine.plan.dtype))):
            dense.make()  # it says why not
        self._machine, self._dtype, self._uncertified = machine, dtype, uncertified
        self._found: Model | None = None
        kept = KeptTables(machine, dtype)
        if not kept.ready:
            self._model()
        self.engine = ArrayEngine(self._model, dense, machine.plan.memory, kept)
        self._spent = self._behind = 0.0
        self._patience = _PATIENCE * machine.nonzero_weights
        self._lifting: Lifting | None = None
        self.later: Lifting | None = None

    @contextlib.contextmanager
    def passing(self) -> Iterator[None]:
        """Count the time inside as spent with passes."""
        clock, processor = time.monotonic(), time.process_time()
        yield
        spent = time.process_time() - processor
        self._spent += spent
        self._behind = min(time.monotonic() - clock - spent, spent)

    def program(self, wait: bool = False) -> Program | None:
        """The lifted program as soon as it is ready; None before that. It may `wait` for it. What
        lifts a better one is then `later`.

        It is lifted for the stream as it was loaded: what follows from a later state may be special
        to the rest of this run.

        Raises CompileError if the model cannot be lifted.
        """
        if (
            self._lifting is None
            and (wait or self._spent >= self._patience)
            and self.engine.streams
        ):
            from looped.engines.lifted.lifting import Lifting  # LLVM takes a while to load

            x, host = self.engine.beginning(0), self.engine.host_lanes(0)
            if x is None:
                return None
            given = self._machine, self._dtype, self._uncertified
            self._lifting = Lifting(*given, self._model, x, host)
        if self._lifting is None or not self._lifting.ready(self._wait(wait)):
            return None
        lifting, self._lifting = self._lifting, None
        found = lifting.program()
        self.later = lifting if lifting.continues else None
        return found

    def _model(self) -> Model:
        """The model in exact integers. Raises CompileError if it is not exact in the dtype."""
        if self._found is None:
            plan, form = self._machine.plan, precision(self._dtype)
            self._found = analyse(self._machine.arrays, len(plan.blocks), plan.d_head, form)
        return self._found

    def _wait(self, wait: bool) -> float | None:
        """How long to wait for the code, in seconds; None for as long as it takes."""
        if wait:
            return None
        return 0.0 if self._spent < _EAGER else min(max(self._behind, 0.0), _PAUSE)
