"""Specialiser: advances one stream, by plain code at first, and then by units of its hot passes.

What a unit does is exact, whatever it is made from: each of its passes is the plain code with
constants that the machine code compares before the pass has an effect. So the choice of passes and
constants, and the time when a unit is ready, are matters of speed alone.
"""

from __future__ import annotations

from collections.abc import Callable
from time import thread_time

import numpy as np
import numpy.typing as npt

from looped.engines.lifted.code import Code
from looped.engines.lifted.native import Native
from looped.engines.lifted.passes import take
from looped.engines.lifted.specialised.beside import Worker, worker
from looped.engines.lifted.specialised.builder import Answer, Builder, Look
from looped.engines.lifted.specialised.effort import Effort
from looped.engines.lifted.specialised.machine_code import Units
from looped.engines.lifted.specialised.observe import Passes

__all__ = ["Specialiser"]

_PACE = 1e-7
"""Seconds of a plain pass, as long as none has been measured."""

_SURE = 10_000
"""So many passes are enough to measure how long one takes."""

_MOST_PASSES, _MORE_PASSES = 256, 4096
"""The most plain passes for each loop of a call, and the most beyond them, as in `native`."""

_LONGEST = 1 << 26
"""The most plain passes from a look to the next: their number doubles when a look shows nothing
new."""

_LOOKS = 4
"""Looks, about, until plain code has taken as long as a unit needs: one sees 4,096 passes, and a
round of SHA-256 takes twice as many."""

_SLICE = 1 << 19
"""Plain passes until the next question whether a unit is ready, about ten milliseconds."""

_IDLE = 16
"""After so many calls of machine code in which no pass counts, signals are served."""

_Words = npt.NDArray[np.uint64]
_Cells = npt.NDArray[np.unsignedinteger]
_Masks = tuple[_Words, _Words]


class Specialiser:
    """Passes of one stream with one driver: `native` is the plain code that `source` returns, and
    `widths` are the bits of the words of its state."""

    def __init__(
        self,
        native: Native,
        widths: tuple[int, ...],
        source: Callable[[], Code],
        effort: Effort,
    ) -> None:
        self.native = native
        self.widths = widths
        self.source = source
        self.effort = effort
        self.units = Units()
        self.worker: Worker | None = None
        self._waiting = False
        self._patience = self._wait = effort.patience
        self._plain = 0
        self._pace = _PACE
        self._masks: tuple[bytes, ...] = ()

    def run(self, state: _Words, cells: _Cells, masks: _Masks, loops: int) -> tuple[int, bool]:
        """Advance as `Native.run` does, to whose arguments `masks` belong: those of the lanes that
        stop, and of the lanes during an instruction."""
        if self._masks != (now := tuple(mask.tobytes() for mask in masks)):
            self._masks, self.units, self.worker, self._waiting = now, Units(), None, False
        done = idle = 0
        while idle < _IDLE:
            self._receive()
            if self._patience <= 0 and not self._waiting:
                counted, abandoned = self._look(state, cells, masks, loops - done), False
            else:
                counted, abandoned = self._advance(state, cells, masks, loops - done)
            done += counted
            idle = 0 if counted else idle + 1
            stopped = counted and (state[:, 0] & masks[0]).any()
            if abandoned or stopped or done == loops:
                return done, abandoned
        return done, False

    def _advance(self, state: _Words, cells: _Cells, masks: _Masks, loops: int) -> tuple[int, bool]:
        """Advance by units and by plain code."""
        most = self._patience if not self._waiting else _SLICE
        if len(self.units):
            most = min(most, _MOST_PASSES * loops + _MORE_PASSES)
            counted, abandoned, plain = self.units.run(
                self.native, state, cells, masks, loops, most
            )
        else:
            some = min(loops, most)
            start = thread_time()
            counted, abandoned = self.native.run(state, cells, masks[0], some, masks[1])
            if counted > _SURE:
                self._pace = (thread_time() - start) / counted
            plain = max(counted, 1)
        self._plain += plain
        self._patience -= plain
        return counted, abandoned

    def _look(self, state: _Words, cells: _Cells, masks: _Masks, loops: int) -> int:
        """Take some passes one by one, and have a unit made of those that recur; returns how many
        count."""
        self._patience = self._wait
        before = cells.copy()
        taken = take(self.native, state, cells, *masks, loops)
        if len(taken.columns):
            if self.worker is None:
                sizes = self.widths, self.native.sizes.cell_bits
                builder = Builder(self.source, *sizes, masks, self.effort)
                self.worker = worker(builder, self.effort.beside)
            passes = Passes(*taken, before, cells.copy())
            self.worker.ask(Look(passes, self._plain * self._pace))
            self._waiting = True
            self._receive()
        stops, quiet = ((taken.rows[1:] & mask).any(axis=1) for mask in masks)
        return int((stops | ~quiet).sum())

    def _receive(self) -> None:
        """Take an answer, if there is one."""
        if self._waiting and self.worker is not None:
            answer = self.worker.answer()
            if answer is not None:
                self._use(answer)

    def _use(self, answer: Answer) -> None:
        """Link a unit, and decide when to look again."""
        self._waiting = False
        if answer.unit is not None:
            self.units.add(answer.unit)
            self.units.drop(answer.needless)
            self._wait = self.effort.patience
        elif answer.short > 0:
            self._wait = max(self.effort.patience, int(answer.short / self._pace / _LOOKS))
        else:
            self._wait = min(2 * self._wait, _LONGEST)
        self._patience = min(self._wait, _LONGEST)
