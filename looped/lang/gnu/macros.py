"""Macros of GNU as: text in which arguments replace parameters.

An argument replaces `\\name`; after `.altmacro` it also replaces the bare name. `\\@` is the
number of the expansion. `\\()` is empty and ends a name.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from looped.errors import LoopedError, Span
from looped.lang.gnu.arguments import Calculator, argument, rest
from looped.lang.gnu.literals import NAME
from looped.lang.gnu.text import Line

__all__ = ["Macro", "Parameter", "bind", "heading", "local_names", "substituted"]

_HEADING = re.compile(rf"[ \t]*(?P<name>{NAME})[ \t]*,?")
_PARAMETER = re.compile(
    rf"[ \t,]*(?P<name>{NAME})(?:[ \t]*:[ \t]*(?P<kind>req|vararg)\b)?(?P<default>[ \t]*=)?"
)
_KEYWORD = re.compile(rf"({NAME})[ \t]*=")
_LOCAL = re.compile(r"\s*local\s+(.*)", re.IGNORECASE)
_PLAIN = re.compile(rf"\\(?P<name>{NAME})|\\@|\\\(\)")
_ALTERNATE = re.compile(
    rf"(?:\\|&)?(?P<name>{NAME})&?|\\@|\\\(\)|\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^\\])'?"
)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter: its default if it has one, whether an argument is required, and whether it
    takes the rest of the line."""

    name: str
    default: Line | None = None
    required: bool = False
    rest: bool = False


@dataclass(frozen=True, slots=True)
class Macro:
    """A macro: its parameters and its body, not yet expanded."""

    name: str
    parameters: tuple[Parameter, ...]
    body: tuple[Line, ...]

    @property
    def usage(self) -> str:
        """How to invoke it."""
        return f"{self.name} {', '.join(p.name for p in self.parameters)}".strip()


def heading(
    line: Line, start: int, calculate: Calculator | None
) -> tuple[str, tuple[Parameter, ...]]:
    """The name and the parameters after `.macro`. Raises LoopedError."""
    match = _HEADING.match(line.text, start)
    if match is None:
        raise LoopedError("a macro needs a name", _rest(line, start), ".macro NAME a, b")
    return match["name"], tuple(_parameters(line, match.end(), calculate))


def _parameters(line: Line, at: int, calculate: Calculator | None) -> Iterator[Parameter]:
    names: set[str] = set()
    while line.text[at:].strip(" \t,"):
        match = _PARAMETER.match(line.text, at)
        if match is None:
            raise LoopedError("a macro parameter is a name", _rest(line, at))
        name, at = match["name"], match.end()
        if name in names:
            message = f"parameter `{name}` appears twice"
            raise LoopedError(message, line.span(*match.span("name")))
        names.add(name)
        default = None
        if match["default"]:
            default, at = argument(line, at, calculate)
        yield Parameter(name, default, match["kind"] == "req", match["kind"] == "vararg")
        if match["kind"] == "vararg" and line.text[at:].strip():
            message = f"`{name}` takes the rest of the line: no parameter may follow it"
            raise LoopedError(message, _rest(line, at))


def bind(
    macro: Macro, line: Line, start: int, span: Span, calculate: Calculator | None
) -> dict[str, Line]:
    """The argument of each parameter in the invocation at `span`. Raises LoopedError."""
    given: dict[str, Line] = {}
    known = {parameter.name: parameter for parameter in macro.parameters}
    waiting = list(macro.parameters)
    at, named = start, False
    while line.text[at:].strip():
        at += len(line.text[at:]) - len(line.text[at:].lstrip())
        keyword = _KEYWORD.match(line.text, at)
        if keyword:
            if keyword[1] not in known:
                raise _no_parameter(macro, keyword[1], line.span(*keyword.span(1)))
            parameter, at, named = known[keyword[1]], keyword.end(), True
        elif named:
            raise LoopedError("an argument without a name follows one with a name", _rest(line, at))
        elif waiting:
            parameter = waiting.pop(0)
        else:
            raise _too_many(macro, _rest(line, at))
        if parameter.rest and not keyword:
            given[parameter.name] = rest(line, at)
            break
        given[parameter.name], at = argument(line, at, calculate)
    return {p.name: _argument(macro, p, given, span) for p in macro.parameters}


def _argument(macro: Macro, parameter: Parameter, given: Mapping[str, Line], span: Span) -> Line:
    argument = given.get(parameter.name)
    if argument is not None and argument.text:
        return argument
    if parameter.required:
        message = f"`{macro.name}` needs its operand `{parameter.name}`"
        raise LoopedError(message, span, macro.usage)
    return parameter.default or Line("", ())


def _no_parameter(macro: Macro, name: str, span: Span) -> LoopedError:
    near = difflib.get_close_matches(name, [p.name for p in macro.parameters], 1)
    hint = f"did you mean `{near[0]}`?" if near else macro.usage
    return LoopedError(f"`{macro.name}` has no parameter `{name}`", span, hint)


def _too_many(macro: Macro, span: Span) -> LoopedError:
    count = len(macro.parameters)
    wanted = f"at most {count} operand{'' if count == 1 else 's'}" if count else "no operands"
    return LoopedError(f"`{macro.name}` takes {wanted}", span, macro.usage)


def local_names(line: Line) -> list[str]:
    """The names that a line `LOCAL name, …` makes new in every expansion, after `.altmacro`."""
    match = _LOCAL.match(line.text)
    return re.findall(NAME, match[1]) if match else []


def substituted(line: Line, given: Mapping[str, Line], number: int | None, bare: bool) -> Line:
    """A line of a body with arguments for parameters. `number` replaces `\\@`, unless it is None.
    `bare` names need no backslash, except within quotes."""
    if "\\" not in line.text and not bare:
        return line
    parts, at = [], 0
    for match in (_ALTERNATE if bare else _PLAIN).finditer(line.text):
        found, name = match.group(), match["name"]
        if name is not None and name in given:
            replacement = given[name]
        elif found == "\\@" and number is not None:
            replacement = line.part(*match.span()).standing_for(str(number))
        elif found == "\\()":
            replacement = Line("", ())
        elif found[0] in "\"'":
            replacement = substituted(line.part(*match.span()), given, number, False)
        else:
            continue
        parts += [line.part(at, match.start()), replacement]
        at = match.end()
    return Line.joined([*parts, line.part(at, len(line.text))]) if parts else line


def _rest(line: Line, at: int) -> Span:
    """What follows in a line."""
    text = line.text[at:]
    start = at + len(text) - len(text.lstrip(" \t,"))
    end = at + len(text.rstrip())
    return line.span(start, max(start + 1, end))
