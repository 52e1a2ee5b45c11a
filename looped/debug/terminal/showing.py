"""Commands that show and change words: print, x, set, disassemble, list, info."""

from __future__ import annotations

import re
from collections.abc import Callable

from looped.debug.expressions import parse, parse_whole
from looped.debug.locations import address_of, line_text, shown_place
from looped.debug.terminal.command import Command
from looped.debug.terminal.screen import Screen
from looped.debug.terminal.stopping import list_points, numbers
from looped.debug.terminal.values import assigned, shown, stored_at
from looped.errors import CompileError
from looped.image import Location
from looped.registry import disassembled, machine

__all__ = ["SHOWING"]

_FORMAT = re.compile(r"/(?P<count>\d*)(?P<format>[a-z]?)[a-z]?\s*(?P<rest>.*)\Z", re.DOTALL)
_SHOWN_LINES = 10


def _formatted(rest: str) -> tuple[int, str | None, str]:
    """Count, format and the rest of `/8x *label`."""
    found = _FORMAT.match(rest)
    if found is None:
        return 1, None, rest
    return int(found["count"] or 1), found["format"] or None, found["rest"]


def _print(screen: Screen, rest: str) -> None:
    _, form, text = _formatted(rest)
    if not text:
        raise CompileError("print which expression?", hint="print *counter, print/x $pc")
    screen.say(assigned(screen.debugger, text, form))


def _display(screen: Screen, rest: str) -> None:
    """A new expression that each stop prints; without one, all of them now."""
    _, form, text = _formatted(rest)
    if text:
        value = assigned(screen.debugger, text, form)
        screen.last_display += 1
        screen.displays[screen.last_display] = (text, form)
        screen.say(f"{screen.last_display}: {value}")
    else:
        screen.display()


def _undisplay(screen: Screen, rest: str) -> None:
    for number in numbers(rest) or list(screen.displays):
        if screen.displays.pop(number, None) is None:
            raise CompileError(f"no display has the number {number}")


def _output(screen: Screen, rest: str) -> None:
    """What the program has written up to this place."""
    text = bytes(screen.debugger.timeline.output).decode("utf-8", "replace")
    for line in text.splitlines() or ["the program has written nothing yet"]:
        screen.say(line)


def _backtrace(screen: Screen, rest: str) -> None:
    screen.where()
    if machine(screen.debugger.image.machine).runs_elf:
        screen.say("callers: gdb unwinds the stack, `looped debug PROGRAM --gdb :1234`")


def _examine(screen: Screen, rest: str) -> None:
    count, form, text = _formatted(rest)
    words = screen.debugger.words
    address = parse_whole(text)(words) if text else screen.pc
    if form == "i":
        _instructions(screen, address, count)
        return
    unit = words.image.addresses_per_word
    for n in range(count):
        at = address + n * unit
        label = words.label(at)
        value = shown(screen.debugger, words.number_at(at), form)
        screen.say(f"{screen.address(at)}{f' <{label}>' if label else ''}: {value}")


def _disassemble(screen: Screen, rest: str) -> None:
    count, _, text = _formatted(rest)
    address = address_of(text, screen.debugger.words) if text else screen.pc
    _instructions(screen, address, count if rest.startswith("/") else _SHOWN_LINES)


def _instructions(screen: Screen, address: int, count: int) -> None:
    image, port = screen.debugger.image, screen.debugger.timeline.port
    size = machine(image.machine).instruction_words * image.addresses_per_word
    for at in range(address, address + count * size, size):
        text = disassembled(image, port, at)
        if text is None:
            return
        label = screen.debugger.words.label(at)
        mark = "=>" if at == screen.pc else "  "
        screen.say(f"{mark} {screen.address(at)}{f' <{label}>' if label else ''}: {text}")


def _set(screen: Screen, rest: str) -> None:
    target, sign, value = rest.removeprefix("var ").partition("=")
    target = target.strip()
    if not sign:
        raise CompileError("set what to what?", hint="set *counter = 3, set $x5 = 7")
    debugger = screen.debugger
    words = debugger.words
    if debugger.timeline.halted:
        raise CompileError("the program has halted", hint="`reverse-step` and `goto` go back")
    if target.startswith("$"):
        number = parse_whole(value)(words) % (1 << words.width)
        if not words.can_set(target[1:], number):
            parse(target)(words)
            raise CompileError(f"{number} does not fit {target}")
        debugger.timeline.edit(lambda port: words.set_register(target[1:], number))
        return
    wanted = parse(value)(words)
    address, word = stored_at(words, target), words.encoded(wanted)
    if word is None:
        raise CompileError(f"{shown(debugger, wanted)} does not fit a word of memory")
    debugger.timeline.edit(lambda port: words.set_at(address, word))


def _list(screen: Screen, rest: str) -> None:
    debugger = screen.debugger
    address = address_of(rest, debugger.words) if rest else screen.pc
    place = debugger.image.location(address)
    if place is None:
        raise CompileError("no source line is known here", hint="`disassemble` shows instructions")
    first = max(1, place.line - _SHOWN_LINES // 2)
    here = debugger.image.location(screen.pc)
    for line in range(first, first + _SHOWN_LINES):
        text = line_text(Location(place.file, line))
        if text is None:
            return
        mark = "=>" if here == Location(place.file, line) else "  "
        screen.say(f"{mark}{line:>5}  {text}".rstrip())


def _info(screen: Screen, rest: str) -> None:
    for name, show in _INFO.items():
        if rest and name.startswith(rest.split()[0]):
            show(screen, rest.split()[1:])
            return
    raise CompileError("info about what?", hint=f"info {', info '.join(_INFO)}")


def _registers(screen: Screen, names: list[str]) -> None:
    words = screen.debugger.words
    for name in names or words.register_names():
        value = parse(f"${name.removeprefix('$')}")(words)
        screen.say(f"{name.removeprefix('$'):<12} {shown(screen.debugger, value, 'x'):<12} {value}")


def _symbols(screen: Screen, names: list[str]) -> None:
    for name, value in sorted(screen.debugger.image.symbols.items(), key=lambda item: item[1]):
        if not names or any(each in name for each in names):
            screen.say(f"{screen.address(value):>12}  {name}")


def _line(screen: Screen, names: list[str]) -> None:
    address = address_of(names[0], screen.debugger.words) if names else screen.pc
    screen.say(shown_place(screen.debugger.words, address))


_INFO: dict[str, Callable[[Screen, list[str]], None]] = {
    "registers": _registers,
    "breakpoints": lambda screen, names: list_points(screen),
    "watchpoints": lambda screen, names: list_points(screen),
    "symbols": _symbols,
    "line": _line,
}

SHOWING = (
    Command("print", "print[/dxutcf] EXPRESSION", "Print a value.", _print, ("p", "inspect")),
    Command("display", "display[/dxutcf] [EXPRESSION]", "Print a value at each stop.", _display),
    Command("undisplay", "undisplay [N ...]", "Print it no longer.", _undisplay),
    Command("output", "output", "Print what the program has written so far.", _output),
    Command("x", "x[/NF] [EXPRESSION]", "Print N words from an address, or /i: code.", _examine),
    Command("set", "set *ADDRESS|mem[…]|$REGISTER = EXPRESSION", "Change a word.", _set),
    Command("disassemble", "disassemble[/N] [LOCATION]", "Print code.", _disassemble, ("disas",)),
    Command("list", "list [LOCATION]", "Print the source around a place.", _list, ("l",)),
    Command("info", "info registers|breakpoints|symbols|line", "Print facts.", _info, ("i",)),
    Command("where", "where", "Print where the program is.", lambda s, _: s.where(), ("frame",)),
    Command(
        "backtrace", "backtrace", "Print where it is, and who knows more.", _backtrace, ("bt",)
    ),
)
