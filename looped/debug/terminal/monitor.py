"""Monitor: commands that show a program, for gdb's command of the same name."""

from __future__ import annotations

from looped.debug.debugger import Debugger
from looped.debug.terminal.below import BELOW
from looped.debug.terminal.command import find, split
from looped.debug.terminal.screen import Screen
from looped.debug.terminal.showing import SHOWING
from looped.errors import LoopedError

__all__ = ["Monitor"]

_COMMANDS = (*(each for each in SHOWING if each.name != "set"), *BELOW)
"""gdb must know of all that moves or changes a program: these commands do neither."""


class Monitor:
    """Executes command lines of the debugger, and returns what they print."""

    def __init__(self, debugger: Debugger) -> None:
        self._lines: list[str] = []
        self._screen = Screen(debugger, self._lines.append)

    def execute(self, line: str) -> str:
        """What a command prints, or its error."""
        self._lines.clear()
        name, rest = split(line.strip())
        if name in ("", "help"):
            self._lines += [f"{each.usage:<44} {each.help}" for each in _COMMANDS]
        else:
            try:
                find(name, _COMMANDS).do(self._screen, rest)
            except LoopedError as error:
                self._lines.append(error.render())
        return "".join(f"{each}\n" for each in self._lines)
