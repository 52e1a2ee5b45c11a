"""Loops: the loops of the next instruction, computed by the dense model from the present state."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from looped.debug.timeline import Timeline
from looped.errors import CompileError
from looped.nn import LoopedTransformer
from looped.study.walk import Walk

__all__ = ["Loops"]


class Loops:
    """The loops of the next instruction, and which loop and which worker people look at.

    Both count from 0. When the program moves, `loop` becomes 0 again.
    """

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._model: LoopedTransformer | None = None
        self._state: bytes = b""
        self._walk: Walk | None = None
        self.loop = 0
        self.worker = 0

    @property
    def cpu(self) -> int:
        """The column of the chosen worker."""
        return self._timeline.machine.plan.cpus[self.worker]

    def choose_worker(self, number: int) -> None:
        """Look at a worker. Raises CompileError if there is no such worker."""
        count = len(self._timeline.machine.plan.cpus)
        if not 0 <= number < count:
            hint = f"workers 0 to {count - 1}" if count > 1 else "the machine has one CPU column"
            raise CompileError(f"there is no worker {number}", hint=hint)
        self.worker = number

    def choose_loop(self, number: int) -> None:
        """Look at a loop. Raises CompileError if the instruction has fewer."""
        walk, at = self.walk(), self.loop
        if number < at:
            walk, at = self._from(self._timeline.computer.state()[0]), 0
        while at < number and not self._is_last(walk):
            walk, at = self._from(walk.state(walk.last_phase)), at + 1
        if number < 0:
            raise CompileError("loops count from 1")
        if at != number:
            count = f"{at + 1} loop{'s' if at else ''}"
            raise CompileError(f"this instruction takes {count}", hint="`loop 1` is the first one")
        self._walk, self.loop = walk, at

    def walk(self) -> Walk:
        """The chosen loop, the first one after the program has moved.

        Raises CompileError if the program has halted.
        """
        if self._timeline.halted:
            raise CompileError("the program has halted", hint="`reverse-step` and `goto` go back")
        stream = self._timeline.computer.state()[0]
        state = np.packbits(stream > 0).tobytes()
        if self._walk is None or state != self._state:
            self._walk, self.loop, self._state = self._from(stream), 0, state
        return self._walk

    def is_last(self) -> bool:
        """Whether the instruction ends with the chosen loop."""
        return self._is_last(self.walk())

    def _from(self, state: npt.NDArray[np.generic]) -> Walk:
        machine = self._timeline.machine
        if self._model is None:
            self._model = machine.model()
        return Walk(machine, self._model, state)

    def _is_last(self, walk: Walk) -> bool:
        plan = self._timeline.machine.plan
        if plan.busy is None:
            return True
        return bool(walk.state(walk.last_phase)[plan.cpu, plan.busy] < 0)
