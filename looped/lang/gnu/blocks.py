"""Blocks of statements: the bodies of macros and repetitions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from looped.errors import LoopedError
from looped.lang.gnu.arguments import Calculator, arguments
from looped.lang.gnu.literals import NAME
from looped.lang.gnu.macros import substituted
from looped.lang.gnu.text import Line

__all__ = ["CLOSERS", "OPENERS", "block", "directive_of", "each"]

OPENERS = {".macro": ".endm", ".rept": ".endr", ".irp": ".endr", ".irpc": ".endr"}
"""Directives that begin a block → those that end it."""

CLOSERS = frozenset(OPENERS.values())

_DIRECTIVE = re.compile(r"\s*(?:[\w.$]+\s*:\s*)*(\.[A-Za-z_]\w*)(?![\w.$]*\s*[:=])")
_NAME = re.compile(rf"\s*({NAME})\s*,?")


def directive_of(line: Line) -> str:
    """The directive of a statement, in small letters; empty if there is none."""
    match = _DIRECTIVE.match(line.text)
    return match[1].lower() if match else ""


def block(lines: Sequence[Line], start: int) -> int:
    """The index of the line after the block that begins at a line.

    Raises LoopedError if the block has no end."""
    opener = directive_of(lines[start])
    closer = OPENERS[opener]
    depth = 0
    for at in range(start, len(lines)):
        name = directive_of(lines[at])
        depth += (OPENERS.get(name) == closer) - (name == closer)
        if depth == 0:
            return at + 1
    head = lines[start].stripped()
    span = head.span(0, len(head.text))
    raise LoopedError(f"this {opener} has no {closer}", span)


def each(
    kind: str, line: Line, start: int, body: Sequence[Line], calculate: Calculator | None
) -> Iterator[list[Line]]:
    """The body of `.irp name, values` or `.irpc name, letters`, once for each value.

    Raises LoopedError if there is no name.
    """
    match = _NAME.match(line.text, start)
    if match is None:
        span = line.span(start, len(line.text))
        raise LoopedError(f"{kind} needs a name", span, f"{kind} name, values")
    values = arguments(line, match.end(), calculate)
    if kind == ".irpc":
        values = [v.part(i, i + 1) for v in values for i in range(len(v.text))]
    for value in values or [Line("", ())]:
        given = {match[1]: value}
        yield [substituted(part, given, None, calculate is not None) for part in body]
