"""Specialiser: advances one stream, by plain code at first, and then by units of its hot passes.

What a unit does is exact, whatever it is made from: each of its passes is the plain code with
constants that the machine code compares before the pass has an effect. So the choice of passes and
constants, the stream that they were seen in, and the time when a unit is ready are matters of speed
alone.
"""

from __future__ import annotations

from collections.abc import Callable
from time import thread_time

import numpy as np
import numpy.typing as npt

from looped.engines.lifted.native import Native
from looped.engines.lifted.passes import take
from looped.engines.lifted.specialised.machine_code import Units
from looped.engines.lifted.specialised.observe import Passes
from looped.engines.lifted.specialised.shared import Masks, SharedUnits

__all__ = ["Specialiser"]

_SURE = 10_000
"""So many passes are enough to measure how long one takes."""

_MOST_PASSES, _MORE_PASSES = 256, 4096
"""The most plain passes for each loop of a call, and the most beyond them, as in `native`."""

_SLICE = 1 << 19
"""Plain passes until the next question whether a unit is ready, about ten milliseconds."""

_IDLE = 16
"""After so many calls of machine code in which no pass counts, signals are served."""

_Words = npt.NDArray[np.uint64]
_Cells = npt.NDArray[np.unsignedinteger]


class Specialiser:
    """Passes of one stream with one driver: `native` is the plain code, and `find` has the units
    for some masks, which other streams may share."""

    def __init__(self, native: Native, find: Callable[[Masks], SharedUnits]) -> None:
        self.native = native
        self._find = find
        self._shared: SharedUnits | None = None

    @property
    def units(self) -> Units:
        """The units so far."""
        return Units() if self._shared is None else self._shared.units

    def run(self, state: _Words, cells: _Cells, masks: Masks, loops: int) -> tuple[int, bool]:
        """Advance as `Native.run` does, to whose arguments `masks` belong: those of the lanes that
        stop, and of the lanes during an instruction."""
        shared = self._shared
        if shared is None or shared.masks != tuple(mask.tobytes() for mask in masks):
            shared = self._shared = self._find(masks)
        done = idle = 0
        while idle < _IDLE:
            shared.receive()
            if shared.claim():
                counted, abandoned = self._look(shared, state, cells, masks, loops - done), False
            else:
                counted, abandoned = self._advance(shared, state, cells, masks, loops - done)
            done += counted
            idle = 0 if counted else idle + 1
            stopped = counted and (state[:, 0] & masks[0]).any()
            if abandoned or stopped or done == loops:
                return done, abandoned
        return done, False

    def _advance(
        self, shared: SharedUnits, state: _Words, cells: _Cells, masks: Masks, loops: int
    ) -> tuple[int, bool]:
        """Advance by units and by plain code."""
        units, patience = shared.units, shared.patience
        most = _SLICE if patience is None else max(patience, 1)
        if len(units):
            most = min(most, _MOST_PASSES * loops + _MORE_PASSES)
            counted, abandoned, plain = units.run(self.native, state, cells, masks, loops, most)
        else:
            some = min(loops, most)
            start = thread_time()
            counted, abandoned = self.native.run(state, cells, masks[0], some, masks[1])
            if counted > _SURE:
                shared.pace = (thread_time() - start) / counted
            plain = max(counted, 1)
        shared.took(plain)
        return counted, abandoned

    def _look(
        self, shared: SharedUnits, state: _Words, cells: _Cells, masks: Masks, loops: int
    ) -> int:
        """Take some passes one by one, and show them; returns how many count."""
        before = cells.copy()
        taken = take(self.native, state, cells, *masks, loops)
        shared.show(Passes(*taken, before, cells.copy()) if len(taken.columns) else None)
        stops, quiet = ((taken.rows[1:] & mask).any(axis=1) for mask in masks)
        return int((stops | ~quiet).sum())
