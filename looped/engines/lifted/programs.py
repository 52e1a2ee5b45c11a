"""The programs that advance residual streams: lifted, compiled and kept."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from functools import cached_property
from threading import Lock
from weakref import WeakValueDictionary

import numpy as np

from looped import analysis
from looped.analysis.hidden_sums import check_hidden_sums
from looped.artefact.plan import Plan
from looped.artefact.residual import Residual
from looped.engines.host_lanes import HostLanes
from looped.engines.lifted.cases import cases_of
from looped.engines.lifted.columns import Behaviour, behaviour
from looped.engines.lifted.dispatch import Cases
from looped.engines.lifted.kept import Kept
from looped.engines.lifted.layout import Layout, known_rows
from looped.engines.lifted.lift import Lifted, lift
from looped.engines.lifted.model import Model, sparse
from looped.engines.lifted.native import CELLS, compile_code
from looped.engines.lifted.program import Program, known_lanes, program_of
from looped.engines.lifted.specialised import USUAL, Effort, Masks, SharedUnits
from looped.errors import CompileError

__all__ = ["Check", "Programs", "rare_lanes", "unchecked"]

Check = Callable[[analysis.Model, Lifted], None]

_MOST_COLUMNS = 1 << 17
"""So many columns can be analysed one by one, in ten seconds and half a gigabyte."""


_LONG = 3_000
"""Instructions of code that runs before its cases are made. RV32IMA has 6,700: lifting and
compiling take 9 s, cases 9 s more and their compiling as much again. RV32IM has 3,600: the first
6,000 steps of a C program take 8.5 s with an empty cache, and 11.4 s if they wait for the cases."""


def unchecked(model: analysis.Model, lifted: Lifted) -> None:
    """Accept all lifted code, also that of an earlier run."""


def rare_lanes(plan: Plan) -> frozenset[int]:
    """The lanes of a driver that most passes do not set: it halts, or is in mid-instruction."""
    halted = () if plan.halted is None else (plan.halted,)
    return frozenset((*plan.scratch, *halted))


class Programs:
    """The programs made for a model: one serves all streams with the same constants.

    `effort` says when hot passes of a stream are specialised. `rare` are lanes of the driver that
    most passes do not set.

    `check` gets all lifted code before it is compiled, and raises an error of its own to refuse it.
    Without a check a program of an earlier run will do, and then nothing needs the model.
    """

    def __init__(
        self,
        model: Callable[[], analysis.Model],
        check: Check = unchecked,
        kept: Kept | None = None,
        program: Program | None = None,
        effort: Effort = USUAL,
        rare: Collection[int] = (),
    ) -> None:
        self.effort = effort
        self._rare = rare
        self._model = model
        self.check = check
        self._kept = kept
        self._found = program
        if program is None and kept is not None and check is unchecked:
            self._found = kept.find()
        self.made: list[Program] = []
        self._units: WeakValueDictionary[object, SharedUnits] = WeakValueDictionary()
        self._lock = Lock()
        if not self.ready:
            _ = self.exact

    @cached_property
    def exact(self) -> analysis.Model:
        """The model in exact integers."""
        return self._model()

    @cached_property
    def model(self) -> Model:
        """The same with sparse rows."""
        return sparse(self.exact)

    @property
    def ready(self) -> bool:
        """Whether there is a program of an earlier run or of another process."""
        return self._found is not None

    def find(self, x: Residual, host: HostLanes) -> Program:
        """The program for a stream whose host sets the lanes `host`. Raises CompileError."""
        with self._lock:
            return self._program(x, host)

    def stages(self, x: Residual, host: HostLanes) -> Iterator[Program]:
        """The program as `find` makes it; before it a slower one, if it takes much longer to make.

        Raises CompileError.
        """
        lifted = self._lifted(x, host)
        if len(lifted.code.instructions) >= _LONG and len(lifted.behaviour.drivers) == 1:
            yield _compiled(lifted, x, None)
        yield self._best(lifted, x)

    def units(self, program: Program, image: int, masks: Masks) -> SharedUnits:
        """The units of all streams that began with the cells of which `image` is a hash."""
        sizes = tuple(map(len, program.lifted.words)), program.native.sizes.cell_bits
        key = id(program.lifted), image, *(mask.tobytes() for mask in masks)
        with self._lock:
            found = self._units.get(key)
            if found is None:
                found = SharedUnits(program.source, *sizes, masks, self.effort)
                self._units[key] = found
            return found

    def _program(self, x: Residual, host: HostLanes) -> Program:
        for program in self.made:
            if program.fits(x, host):
                return program
        if self._found is not None and self.check is unchecked and self._found.fits(x, host):
            self.made.append(self._found)
            return self._found
        return self._best(self._lifted(x, host), x)

    def _lifted(self, x: Residual, host: HostLanes) -> Lifted:
        lifted = lift(self._behaviour(x, host))
        self.check(self.exact, lifted)
        return lifted

    def _best(self, lifted: Lifted, x: Residual) -> Program:
        """The program of lifted code, with its cases."""
        self.made.append(_compiled(lifted, x, cases_of(lifted, self._rare)))
        if self._kept is not None:
            self._kept.keep(self.made[-1])
        return self.made[-1]

    def _behaviour(self, x: Residual, host: HostLanes) -> Behaviour:
        """What the columns do; alike ones are analysed as one, or else each alone."""
        known = known_rows(x, host)
        if known is not None:
            try:
                check_hidden_sums(self.exact, known, known != 0)
                return behaviour(self.model, known, Layout(x))
            except CompileError:
                if len(x) > _MOST_COLUMNS:
                    raise
        whole = np.array(x, np.int8)
        for column, mask in host.masks.items():
            whole[column, mask] = 0
        check_hidden_sums(self.exact, whole, whole != 0)
        return behaviour(self.model, whole)


def _compiled(lifted: Lifted, x: Residual, cases: Cases | None) -> Program:
    found = lifted.behaviour
    bits = next(size for size in CELLS if len(lifted.packed) <= size)
    sizes = len(lifted.words), len(found.drivers), len(found.columns)
    native = compile_code(lifted.code, bits, *sizes, cases)
    return program_of(lifted, native, known_lanes(found, x))
