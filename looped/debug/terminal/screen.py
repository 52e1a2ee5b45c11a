"""Screen: the debugger as a person sees it: where the program is, and why it has stopped."""

from __future__ import annotations

from collections.abc import Callable

from looped.debug.debugger import Debugger
from looped.debug.locations import shown_address, shown_place
from looped.debug.stops import Stop

__all__ = ["Screen"]


class Screen:
    """A debugger, and `say`, which prints a line."""

    def __init__(self, debugger: Debugger, say: Callable[[str], None]) -> None:
        self.debugger = debugger
        self.say = say
        self.quits = False

    @property
    def pc(self) -> int:
        """The program counter."""
        return self.debugger.timeline.pc

    def address(self, address: int) -> str:
        """An address as text."""
        return shown_address(self.debugger.image, address)

    def show(self, stop: Stop) -> None:
        """Print why the run has stopped, and where it is."""
        for each in stop.breakpoints:
            self.say(f"breakpoint {each.number}")
        for change in stop.changes:
            watched = change.watchpoint
            self.say(f"watchpoint {watched.number}: {watched.text}")
            self.say(f"  old value {change.old}")
            self.say(f"  new value {change.new}")
        if stop.interrupted:
            self.say("interrupted")
        if stop.began:
            self.say("the program begins here")
        if stop.halted:
            self.say(self._end())
        self.where()

    def where(self) -> None:
        """Print the place of the run: the number of the step, address, source line."""
        timeline = self.debugger.timeline
        self.say(f"step {timeline.steps}  {shown_place(self.debugger.words, timeline.pc)}")

    def _end(self) -> str:
        host = self.debugger.timeline.host
        if host is not None and host.exit_code is not None:
            return f"the program has ended with exit status {host.exit_code}"
        return "the program has halted"
