"""Commands that move the program: forwards, backwards, and until something stops it."""

from __future__ import annotations

from functools import partial

from looped.debug.debugger import Debugger
from looped.debug.expressions import parse_whole
from looped.debug.locations import address_of
from looped.debug.stops import Stop
from looped.debug.terminal.command import Command
from looped.debug.terminal.screen import Screen
from looped.errors import CompileError
from looped.image import Image, Location
from looped.registry import machine

__all__ = ["RUNNING"]


def _number(screen: Screen, text: str, default: int = 1) -> int:
    """The count after a command."""
    return parse_whole(text)(screen.debugger.words) if text else default


def _alive(screen: Screen) -> Debugger:
    if screen.debugger.timeline.halted:
        raise CompileError("the program has halted", hint="`reverse-step` and `goto` go back")
    return screen.debugger


def _stepi(screen: Screen, rest: str) -> None:
    screen.show(_alive(screen).step(_number(screen, rest)))


def _step(screen: Screen, rest: str) -> None:
    """Until another source line begins, `rest` times."""
    _lines(screen, rest, calls=False)


def _next(screen: Screen, rest: str) -> None:
    _lines(screen, rest, calls=True)


def _lines(screen: Screen, rest: str, calls: bool) -> None:
    debugger = _alive(screen)
    image, stop = debugger.image, Stop()
    for _ in range(_number(screen, rest)):
        line = image.location(debugger.timeline.pc)
        stop = debugger.leave(partial(_is_in, image, line), calls)
        if not stop.expected:
            break
    screen.show(stop)


def _is_in(image: Image, line: Location | None, pc: int) -> bool:
    """Whether code belongs to a line; no line is only one instruction."""
    return line is not None and image.location(pc) == line


def _nexti(screen: Screen, rest: str) -> None:
    debugger, stop = _alive(screen), Stop()
    for _ in range(_number(screen, rest)):
        stop = debugger.next()
        if not stop.expected:
            break
    screen.show(stop)


def _finish(screen: Screen, rest: str) -> None:
    debugger = _alive(screen)
    _check_calls(screen)
    screen.show(debugger.finish())


def _continue(screen: Screen, rest: str) -> None:
    """On to the next stop; with a count, that many stops."""
    debugger, stop = _alive(screen), Stop()
    for _ in range(_number(screen, rest)):
        stop = debugger.resume()
        if not stop.breakpoints and not stop.changes:
            break
    screen.show(stop)


def _until(screen: Screen, rest: str) -> None:
    if not rest:
        raise CompileError("until which place?", hint="until LABEL, until LINE, until *ADDRESS")
    debugger = _alive(screen)
    screen.show(debugger.until(address_of(rest, debugger.words)))


def _reverse_stepi(screen: Screen, rest: str) -> None:
    screen.show(screen.debugger.reverse_step(_number(screen, rest)))


def _reverse_step(screen: Screen, rest: str) -> None:
    """Back to the beginning of the source line before this place, `rest` times."""
    _lines_back(screen, rest, calls=False)


def _reverse_next(screen: Screen, rest: str) -> None:
    _lines_back(screen, rest, calls=True)


def _lines_back(screen: Screen, rest: str, calls: bool) -> None:
    debugger, stop = screen.debugger, Stop()
    image = debugger.image
    for _ in range(_number(screen, rest)):
        stop = debugger.reverse_next() if calls else debugger.reverse_step()
        line = image.location(debugger.timeline.pc)
        if stop.expected and line is not None:
            stop = debugger.reverse_leave(partial(_is_in, image, line), calls)
        if not stop.expected:
            break
    screen.show(stop)


def _reverse_finish(screen: Screen, rest: str) -> None:
    _check_calls(screen)
    screen.show(screen.debugger.reverse_finish())


def _check_calls(screen: Screen) -> None:
    name = screen.debugger.image.machine
    if machine(name).flow is None:
        raise CompileError(f"{name} has no calls and no returns")


def _start(screen: Screen, rest: str) -> None:
    screen.debugger.timeline.go_to(0)
    screen.show(Stop())


def _begin_and_run(screen: Screen, rest: str) -> None:
    screen.debugger.timeline.go_to(0)
    screen.show(screen.debugger.resume())


def _reverse_continue(screen: Screen, rest: str) -> None:
    screen.show(screen.debugger.reverse_resume())


def _goto(screen: Screen, rest: str) -> None:
    if not rest:
        raise CompileError("to which step?", hint="`goto 100` goes to the place before step 100")
    place = _number(screen, rest)
    if place < 0:
        raise CompileError("steps count from 0")
    screen.show(screen.debugger.go_to(place))


RUNNING = (
    Command("step", "step [N]", "Run until another source line begins.", _step, ("s",), True),
    Command("stepi", "stepi [N]", "Execute N instructions.", _stepi, ("si",), True),
    Command("next", "next [N]", "As step, but a call is one line.", _next, ("n",), True),
    Command("nexti", "nexti [N]", "As stepi, but a call is one step.", _nexti, ("ni",), True),
    Command("finish", "finish", "Run until this function has returned.", _finish, ("fin",)),
    Command("continue", "continue [N]", "Run until the Nth stop.", _continue, ("c",), True),
    Command("until", "until LOCATION", "Run until a place.", _until, ("u", "advance")),
    Command(
        "reverse-step",
        "reverse-step [N]",
        "Go back to where the line before this place begins.",
        _reverse_step,
        ("rs",),
        True,
    ),
    Command(
        "reverse-stepi",
        "reverse-stepi [N]",
        "Go back by N instructions.",
        _reverse_stepi,
        ("rsi",),
        True,
    ),
    Command(
        "reverse-next",
        "reverse-next [N]",
        "As reverse-step, but a call is one line.",
        _reverse_next,
        ("rn",),
        True,
    ),
    Command(
        "reverse-finish",
        "reverse-finish",
        "Go back to the call of this function.",
        _reverse_finish,
    ),
    Command(
        "reverse-continue",
        "reverse-continue",
        "Go back to the last stop: a breakpoint, or before a watched change.",
        _reverse_continue,
        ("rc",),
        True,
    ),
    Command("goto", "goto STEP", "Go to the place before a step, from either side.", _goto),
    Command("start", "start", "Go to the beginning.", _start, ("restart",)),
    Command("run", "run", "Run from the beginning to the first stop.", _begin_and_run, ("r",)),
)
