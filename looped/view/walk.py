"""Walk: a program on an engine, pass by pass, with all columns that each pass changes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from looped.artefact.plan import CompiledMachine
from looped.devices.accesses import Accesses
from looped.devices.host import ColumnPort
from looped.engines.engine import NOTHING, Engine, Watch
from looped.image import Image
from looped.registry import host_for, machine
from looped.run.computer import Computer, Event

__all__ = ["Pass", "Row", "Rows", "Stepped", "Walk"]

Row = npt.NDArray[np.int8]
"""The residual stream of one column, (d_model,), every entry -1 or +1."""

Rows = dict[int, Row]
"""Some columns by their index."""


@dataclass(frozen=True, slots=True)
class Pass:
    """One pass through all blocks.

    `before` are the columns that differ from those at the beginning of the pass before, as they are
    when this pass begins; `after` those that this pass has changed, before the host serves them.
    `live` are the columns that may change during the pass.
    """

    before: Rows
    after: Rows
    live: frozenset[int]


@dataclass(frozen=True, slots=True)
class Stepped:
    """One instruction at `pc`: what it accesses, what happened, the passes that it took, and the
    columns that it or its host has changed. `event` is None if it has not ended."""

    pc: int
    accesses: Accesses
    event: Event | None
    passes: tuple[Pass, ...]
    changed: tuple[int, ...]


class _Unfinished(Exception):
    """An instruction takes more passes than it may."""


class Walk:
    """The only program of a computer, one instruction at a time.

    `stream` is the residual stream now, (columns, d_model).
    """

    def __init__(
        self, compiled: CompiledMachine, image: Image, engine: Engine, source: bytes
    ) -> None:
        self.plan = plan = compiled.plan
        self.image = image
        self.computer = Computer(
            plan, engine, [image.words], [source], [image.entry], [host_for(image, source)]
        )
        self.computer.passes = self._advance
        self.port = ColumnPort(plan, engine, 0)
        self.stream = engine.state()[0].astype(np.int8)
        self._engine = engine
        self._lanes = np.arange(plan.d_model)
        self._machine = machine(image.machine)
        self._before: Rows = {}
        self._written: frozenset[int] = frozenset()
        self._passes: list[Pass] = []
        self._most = 0
        self._touched: set[int] = set()
        engine.changes()

    def step(self, most: int) -> Stepped:
        """Execute the next instruction of a program that has not halted, or its first `most` passes
        if it takes more: then the program cannot continue."""
        pc, told = self.port.cpu("pc"), self._machine.accesses(self.image, self.port)
        registers = (self.plan.memory + number for number in told.registers)
        self._written, self._passes = frozenset((*told.writes, *registers)), []
        self._touched, self._most = set(), most
        event: Event | None = None
        try:
            while event is None or not (event.retired or self.computer.halted()):
                event = self.computer.advance(1)[1]
        except _Unfinished:
            event = None
        self._before.update(self._changed())
        return Stepped(pc, told, event, tuple(self._passes), tuple(sorted(self._touched)))

    def _advance(self, loops: int, watch: Watch = NOTHING) -> int:
        """What `advance` of an engine does, pass by pass."""
        done, stop = 0, False
        while done < loops and not stop:
            if len(self._passes) == self._most:
                raise _Unfinished
            before = self._before | self._changed()
            self._engine.step()
            after = self._changed()
            self._passes.append(Pass(before, after, self._written | after.keys()))
            self._before = dict(after)
            stop, counts = watch.seen(self._engine.read(watch.column, watch.lanes)[0])
            done += counts
        return done

    def _changed(self) -> Rows:
        """The columns that differ from `stream`, which becomes what they are."""
        found = self._engine.changes()
        every = self._engine.state()[0] if len(found) == len(self.stream) else None
        changed = {}
        for column in found.tolist():
            row = self._engine.read(column, self._lanes)[0] if every is None else every[column]
            if (row != self.stream[column]).any():
                self.stream[column] = changed[column] = row.astype(np.int8)
        self._touched.update(changed)
        return changed
