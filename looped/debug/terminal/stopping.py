"""Commands on breakpoints and watchpoints."""

from __future__ import annotations

import re

from looped.debug.accessed import accessing
from looped.debug.expressions import parse
from looped.debug.locations import address_of, shown_place
from looped.debug.stops import Breakpoint, Kind, Watchpoint
from looped.debug.terminal.command import Command
from looped.debug.terminal.screen import Screen
from looped.debug.terminal.values import stored_at
from looped.errors import CompileError

__all__ = ["STOPPING", "list_points", "numbers"]

_IF = re.compile(r"(?:^|\s)if\s")


def _break(screen: Screen, rest: str) -> None:
    _add(screen, rest, temporary=False)


def _tbreak(screen: Screen, rest: str) -> None:
    _add(screen, rest, temporary=True)


def _add(screen: Screen, rest: str, temporary: bool) -> None:
    place, *condition = _IF.split(rest, maxsplit=1)
    words = screen.debugger.words
    pc = address_of(place, words) if place.strip() else screen.pc
    parsed = None
    if condition:
        parsed = condition[0].strip(), parse(condition[0])
        parsed[1](words)  # an unknown name is an error now, not at the first hit
    made = screen.debugger.add_breakpoint(pc, parsed, temporary)
    kind = "temporary breakpoint" if temporary else "breakpoint"
    screen.say(f"{kind} {made.number} at {shown_place(words, pc)}")


def _watch(screen: Screen, rest: str) -> None:
    if not rest:
        raise CompileError("watch which expression?", hint="watch *counter, watch $x5")
    made = screen.debugger.add_watchpoint(rest, parse(rest))
    screen.say(f"watchpoint {made.number}: {rest}")


def _rwatch(screen: Screen, rest: str) -> None:
    _access(screen, rest, "read")


def _awatch(screen: Screen, rest: str) -> None:
    _access(screen, rest, "access")


def _access(screen: Screen, rest: str, kind: Kind) -> None:
    """Stop after an instruction that accesses a word, whose address is that of now."""
    debugger, words = screen.debugger, screen.debugger.words
    if not rest:
        raise CompileError("watch which word?", hint=f"{kind[0]}watch *counter")
    address = stored_at(words, rest)
    accessed = accessing(debugger.image.machine, [words.column(address)], kind)
    made = debugger.add_watchpoint(rest, parse(f"mem[{address}]"), kind, accessed)
    screen.say(f"{kind} watchpoint {made.number}: {rest}")


def _delete(screen: Screen, rest: str) -> None:
    debugger = screen.debugger
    for number in numbers(rest) or [*debugger.points.breakpoints, *debugger.points.watchpoints]:
        if not debugger.points.delete(number):
            raise CompileError(f"no breakpoint or watchpoint has the number {number}")


def _enable(screen: Screen, rest: str) -> None:
    _set_enabled(screen, rest, True)


def _disable(screen: Screen, rest: str) -> None:
    _set_enabled(screen, rest, False)


def _set_enabled(screen: Screen, rest: str, enabled: bool) -> None:
    debugger = screen.debugger
    points: dict[int, Breakpoint | Watchpoint] = {
        **debugger.points.breakpoints,
        **debugger.points.watchpoints,
    }
    for number in numbers(rest) or list(points):
        if number not in points:
            raise CompileError(f"no breakpoint or watchpoint has the number {number}")
        points[number].enabled = enabled


def numbers(text: str) -> list[int]:
    """The numbers in the rest of a line. Raises CompileError for anything else."""
    if not re.fullmatch(r"[\d\s]*", text):
        raise CompileError(f"`{text}` is not a list of numbers", hint="delete 1 2")
    return [int(number) for number in text.split()]


def list_points(screen: Screen) -> None:
    """Print all breakpoints and watchpoints."""
    debugger = screen.debugger
    for point in debugger.points.breakpoints.values():
        condition = f"  if {point.condition[0]}" if point.condition else ""
        place = shown_place(debugger.words, point.pc)
        once = "  once" if point.temporary else ""
        screen.say(f"{_state(point)}  {place}{condition}{once}")
    for watched in debugger.points.watchpoints.values():
        begins = "" if watched.kind == "write" else watched.kind[0]
        screen.say(f"{_state(watched)}  {begins}watch {watched.text}")
    if not debugger.points.breakpoints and not debugger.points.watchpoints:
        screen.say("no breakpoints, no watchpoints")


def _state(point: Breakpoint | Watchpoint) -> str:
    return f"{point.number:>3}  {'on ' if point.enabled else 'off'}  {point.hits} hits"


STOPPING = (
    Command(
        "break",
        "break [LOCATION] [if EXPRESSION]",
        "Stop before the instruction at LABEL, LINE, FILE:LINE or *ADDRESS.",
        _break,
        ("b", "br"),
    ),
    Command("tbreak", "tbreak [LOCATION] [if EXPRESSION]", "Stop there once.", _tbreak, ("tb",)),
    Command("watch", "watch EXPRESSION", "Stop when the value changes.", _watch, ("wa",)),
    Command("rwatch", "rwatch *ADDRESS|mem[…]", "Stop when an instruction reads a word.", _rwatch),
    Command("awatch", "awatch *ADDRESS|mem[…]", "Stop when one reads or writes a word.", _awatch),
    Command("delete", "delete [N ...]", "Delete breakpoints and watchpoints.", _delete, ("d",)),
    Command("enable", "enable [N ...]", "Make them stop again.", _enable, ("en",)),
    Command("disable", "disable [N ...]", "Keep them, but do not stop.", _disable, ("dis",)),
)
