"""Command: a name, what it does, and how people shorten it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from looped.debug.terminal.screen import Screen
from looped.errors import CompileError

__all__ = ["Command", "find", "split"]


@dataclass(frozen=True, slots=True)
class Command:
    """A command of the debugger.

    `do` gets the screen and the rest of the line. `short` are abbreviations that win over other
    commands with the same beginning. An empty line repeats the last command if `repeats`.
    """

    name: str
    usage: str
    help: str
    do: Callable[[Screen, str], None]
    short: tuple[str, ...] = ()
    repeats: bool = False


def find(name: str, commands: Iterable[Command]) -> Command:
    """The command with this name, abbreviation or beginning. Raises CompileError without one."""
    known = list(commands)
    for each in known:
        if name == each.name or name in each.short:
            return each
    begun = [each for each in known if each.name.startswith(name)]
    if len(begun) == 1:
        return begun[0]
    if begun:
        raise CompileError(f"`{name}` is short for {', '.join(each.name for each in begun)}")
    raise CompileError(f"no command named `{name}`", hint="`help` lists all commands")


def split(line: str) -> tuple[str, str]:
    """The name of a command and the rest: `x/4d *a` is `x` and `/4d *a`."""
    end = next((n for n, c in enumerate(line) if not (c.isalnum() or c in "-_?")), len(line))
    return line[:end], line[end:].strip()
