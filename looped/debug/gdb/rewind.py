"""Rewind: goes back for gdb through what has been recorded, and leaves the engine where it is.

To go back over a call, gdb stops at every entry of the function: `reverse-next` over a recursion
asks for two moves for each call in it, and reads registers and the stack at each. From a window
that is a look-up; to move the engine would be two restored snapshots.
"""

from __future__ import annotations

from typing import Protocol

from looped.debug.debugger import Debugger
from looped.debug.gdb.window import Window, record
from looped.debug.stops import Stop

__all__ = ["Port", "Rewind"]


class Port(Protocol):
    """The words of a machine at one place."""

    def memory(self, index: int) -> int:
        """A word of memory."""

    def register(self, number: int) -> int:
        """A register of the register file."""


class _Past:
    """The words at a place of a window; `size` is that of memory."""

    def __init__(self, window: Window, place: int, size: int) -> None:
        self._window, self._place, self._size = window, place, size

    def memory(self, index: int) -> int:
        return self._window.word(index, self._place)

    def register(self, number: int) -> int:
        return self._window.word(self._size + number, self._place)


class Rewind:
    """The place where gdb is: that of the engine, or an earlier one in a window."""

    def __init__(self, debugger: Debugger) -> None:
        self._debugger = debugger
        self._timeline = debugger.timeline
        self._window: Window | None = None
        self._place = 0

    @property
    def pc(self) -> int:
        """The program counter."""
        window = self._window
        if window is None:
            return self._timeline.pc
        return int(window.pcs[self._place - window.begin])

    @property
    def port(self) -> Port:
        """The words of memory and registers."""
        if self._window is None:
            return self._timeline.port
        return _Past(self._window, self._place, self._timeline.port.size)

    @property
    def halted(self) -> bool:
        """Whether the program has halted here."""
        return self._window is None and self._timeline.halted

    def land(self) -> None:
        """Move the engine to the place."""
        if self._window is not None:
            self._window = None
            self._timeline.go_to(self._place)

    def step(self) -> Stop:
        """One instruction back."""
        if not self._opened():
            return self._debugger.reverse_step()
        self._place -= 1
        return Stop()

    def resume(self) -> Stop:
        """Back to the last stop."""
        points = self._debugger.points
        stopping = points.stopping()
        plain = not (points.watched() or any(each.condition for each in stopping))
        if plain and self._opened():
            assert self._window is not None
            place = self._window.last({each.pc for each in stopping}, self._place)
            if place is not None:
                self._place = place
                hit = tuple(each for each in stopping if each.pc == self.pc)
                return points.counted(Stop(hit))
            self._place = self._window.begin
        self.land()
        return self._debugger.reverse_resume()

    def _opened(self) -> bool:
        """Whether there is a window with a place before this one."""
        if self._window is not None and self._place > self._window.begin:
            return True
        self.land()
        self._window, self._place = record(self._timeline), self._timeline.steps
        return self._window is not None
