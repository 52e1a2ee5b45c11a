"""Shared units: what the streams of one program have in common.

A hot loop is compiled once for all of them, as soon as their plain passes together have taken long
enough. Streams may run in several threads. Each runs on the units that are there when it begins a
call of machine code, and holds them meanwhile; new ones are others, so that none is freed in use.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

import numpy as np
import numpy.typing as npt

from looped.engines.lifted.code import Code
from looped.engines.lifted.specialised.beside import Worker, worker
from looped.engines.lifted.specialised.builder import Answer, Builder, Look
from looped.engines.lifted.specialised.effort import Effort
from looped.engines.lifted.specialised.machine_code import Units
from looped.engines.lifted.specialised.observe import Passes

__all__ = ["Masks", "SharedUnits"]

_PACE = 1e-7
"""Seconds of a plain pass, as long as none has been measured."""

_LONGEST = 1 << 26
"""The most plain passes from a look to the next: their number doubles when a look shows nothing
new."""

_LOOKS = 4
"""Looks, about, until plain code has taken as long as a unit needs: one sees 4,096 passes, and a
round of SHA-256 takes twice as many."""

Masks = tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]
"""For each word of the state, the lanes that stop, and the lanes during an instruction."""


class SharedUnits:
    """The units of streams whose plain code `source` returns, and when to look for more.

    `widths` are the bits of the words of their state. `pace` is how long a plain pass takes, in
    seconds.
    """

    def __init__(
        self,
        source: Callable[[], Code],
        widths: tuple[int, ...],
        cell_bits: int,
        masks: Masks,
        effort: Effort,
    ) -> None:
        self.masks = tuple(mask.tobytes() for mask in masks)
        self.effort = effort
        self.units = Units()
        self.worker: Worker | None = None
        self.pace = _PACE
        self._builder = Builder(source, widths, cell_bits, masks, effort)
        self._lock = Lock()
        self._waiting = False
        self._patience = self._wait = effort.patience
        self._plain = 0

    @property
    def patience(self) -> int | None:
        """Plain passes until the next look; None while one is being answered."""
        return None if self._waiting else self._patience

    def took(self, plain: int) -> None:
        """Count plain passes of a stream."""
        self._plain += plain
        self._patience -= plain

    def claim(self) -> bool:
        """Whether it is time for a look. Then the caller must `show` its passes: no other will."""
        if self._waiting or self._patience > 0:
            return False
        with self._lock:
            due = not self._waiting
            if due:
                self._waiting, self._patience = True, self._wait
            return due

    def show(self, passes: Passes | None) -> None:
        """Have a unit made of what recurs in some passes; None if there are none to see."""
        if passes is None:
            self._waiting = False
            return
        if self.worker is None:
            self.worker = worker(self._builder, self.effort.beside)
        self.worker.ask(Look(passes, self._plain * self.pace))
        self.receive()

    def receive(self) -> None:
        """Take an answer, if there is one."""
        if not self._waiting or self.worker is None:
            return
        with self._lock:
            answer = self.worker.answer() if self._waiting else None
            if answer is not None:
                self._use(answer)

    def _use(self, answer: Answer) -> None:
        """Link a unit, and decide when to look again."""
        if answer.unit is not None:
            self.units = self.units.changed(answer.unit, answer.needless)
            self._wait = self.effort.patience
        elif answer.short > 0:
            self._wait = max(self.effort.patience, int(answer.short / self.pace / _LOOKS))
        else:
            self._wait = min(2 * self._wait, _LONGEST)
        self._patience = min(self._wait, _LONGEST)
        self._waiting = False
