"""Screen: the debugger as a person sees it: where the program is, and why it has stopped."""

from __future__ import annotations

from collections.abc import Callable

from looped.debug.debugger import Debugger
from looped.debug.locations import shown_address, shown_place
from looped.debug.loops import Loops
from looped.debug.stops import Stop
from looped.debug.terminal.values import assigned, shown

__all__ = ["Screen"]


class Screen:
    """A debugger, and `say`, which prints a line."""

    def __init__(self, debugger: Debugger, say: Callable[[str], None]) -> None:
        self.debugger = debugger
        self.say = say
        self.quits = False
        self.displays: dict[int, tuple[str, str | None]] = {}
        self.last_display = 0
        self.loops = Loops(debugger.timeline)

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
            kind = "" if watched.kind == "write" else f"{watched.kind} "
            self.say(f"{kind}watchpoint {watched.number}: {watched.text}")
            old, new = shown(self.debugger, change.old), shown(self.debugger, change.new)
            if change.old == change.new:
                self.say(f"  value {new}")
            else:
                self.say(f"  old value {old}")
                self.say(f"  new value {new}")
        if stop.interrupted:
            self.say("interrupted")
        if stop.began:
            self.say("the program begins here")
        if stop.halted:
            self.say(self._end())
        self.where()
        self.display()

    def display(self) -> None:
        """Print the expressions of `display`."""
        for number, (text, form) in self.displays.items():
            self.say(f"{number}: {assigned(self.debugger, text, form)}")

    def where(self) -> None:
        """Print the place of the run: the number of the step, address, source line."""
        timeline = self.debugger.timeline
        self.say(f"step {timeline.steps}  {shown_place(self.debugger.words, timeline.pc)}")

    def _end(self) -> str:
        host = self.debugger.timeline.host
        if host is not None and host.exit_code is not None:
            return f"the program has ended with exit status {host.exit_code}"
        return "the program has halted"
