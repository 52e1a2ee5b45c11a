"""Console: reads command lines and executes them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext

from looped.debug.terminal.below import BELOW
from looped.debug.terminal.command import Command, find, split
from looped.debug.terminal.running import RUNNING
from looped.debug.terminal.screen import Screen
from looped.debug.terminal.showing import SHOWING
from looped.debug.terminal.stopping import STOPPING
from looped.errors import LoopedError

__all__ = ["Console"]


class Console:
    """Executes command lines on a screen. An empty line repeats a command that may be repeated.

    A command that fails prints its error, and changes nothing. Commands run within `guard`.
    """

    def __init__(
        self, screen: Screen, guard: Callable[[], AbstractContextManager[object]] = nullcontext
    ) -> None:
        self.screen = screen
        self._guard = guard
        self._last = ""

    def execute(self, line: str) -> bool:
        """Execute a line; False if it had an error."""
        line = line.split("#")[0].strip() or self._last
        self._last = ""
        if not line:
            return True
        name, rest = split(line)
        try:
            command = find(name, COMMANDS)
            with self._guard():
                command.do(self.screen, rest)
        except LoopedError as error:
            self.screen.say(error.render())
            return False
        self._last = line if command.repeats else ""
        return True

    def execute_all(self, lines: Iterable[str]) -> bool:
        """Execute lines up to the first error or `quit`; False after an error."""
        for line in lines:
            if line.strip() and not self.execute(line):
                return False
            if self.screen.quits:
                break
        return True

    def completions(self, line: str) -> Iterator[str]:
        """Words that may end a line: names of commands, then symbols and registers."""
        begun = line.split(" ")[-1].lstrip("*")
        if " " not in line.strip() and not line.endswith(" "):
            yield from (each.name for each in COMMANDS if each.name.startswith(begun))
            return
        words = self.screen.debugger.words
        yield from (name for name in sorted(words.image.symbols) if name.startswith(begun))
        registers = (f"${name}" for name in words.register_names())
        yield from (name for name in registers if name.startswith(begun))


def _help(screen: Screen, rest: str) -> None:
    if rest:
        command = find(rest, COMMANDS)
        screen.say(command.usage)
        screen.say(f"  {command.help}")
        return
    for command in COMMANDS:
        short = f" ({', '.join(command.short)})" if command.short else ""
        screen.say(f"{command.usage + short:<46} {command.help}")


def _quit(screen: Screen, rest: str) -> None:
    screen.quits = True


COMMANDS: tuple[Command, ...] = (
    *RUNNING,
    *STOPPING,
    *SHOWING,
    *BELOW,
    Command("help", "help [COMMAND]", "Print this list, or how to use a command.", _help, ("h",)),
    Command("quit", "quit", "Leave the debugger.", _quit, ("q", "exit")),
)
"""All commands, in the order of the help."""
