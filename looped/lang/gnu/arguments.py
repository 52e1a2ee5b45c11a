"""Arguments of macros: where each ends, and its text.

Commas separate arguments. A blank separates them if both of its neighbours are letters, digits or
quotes; other blanks mean nothing. An argument loses the quotation marks around it. After
`.altmacro` it loses angle brackets too, and `%expression` becomes its value.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from looped.lang.gnu.text import Line

__all__ = ["Calculator", "argument", "arguments", "rest"]

Calculator = Callable[[Line], int]
"""The value of an expression; None before `.altmacro`."""

_QUOTED = re.compile(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\\])\'?')
_QUOTED_OR_BLANKS = re.compile(rf"{_QUOTED.pattern}|[ \t\f\r\v]+")
_TEXT = re.compile(r'"((?:\\.|[^"\\])*)"')
_BRACKETED = re.compile(r"<((?:![^\n]|[^>!])*)>")
_SEPARATORS = re.compile(r"[ \t]*,?[ \t]*")
_BLANKS = re.compile(r"[ \t\f\r\v]+")
_LETTER = re.compile(r"[\w.$]")
_BEGINNING = re.compile(r"[\w.$\\'\"]")


def arguments(line: Line, start: int, calculate: Calculator | None = None) -> list[Line]:
    """All arguments from `start` on."""
    result, at = [], start
    while line.text[at:].strip():
        found, at = argument(line, at, calculate)
        result.append(found)
    return result


def argument(line: Line, start: int, calculate: Calculator | None) -> tuple[Line, int]:
    """The argument that begins at `start`, and the start of the next one.

    Raises LoopedError for an expression without a value.
    """
    text = line.text
    start += len(text[start:]) - len(text[start:].lstrip())
    whole = _TEXT.match(text, start)
    if whole is not None:
        return line.part(*whole.span(1)), _after(text, whole.end())
    bracketed = _BRACKETED.match(text, start) if calculate else None
    if bracketed is not None:
        return _without_escapes(line.part(*bracketed.span(1))), _after(text, bracketed.end())
    parts, at = _parts(line, start)
    found = Line.joined(parts)
    if calculate and found.text.startswith("%"):
        found = found.standing_for(str(calculate(found.part(1, len(found.text)))))
    return (_without_escapes(found) if calculate else found), _after(text, at)


def _parts(line: Line, start: int) -> tuple[list[Line], int]:
    """An argument without redundant blanks, and where it ends."""
    text, at, begun = line.text, start, start
    nesting: list[str] = []
    parts: list[Line] = []
    while at < len(text) and text[at] != ",":
        character = text[at]
        blanks = _BLANKS.match(text, at)
        quoted = _QUOTED.match(text, at) if character in "\"'" else None
        if blanks is not None:
            between = _separates(text, at, blanks.end())
            if between and not nesting:
                break
            parts.append(line.part(begun, at + 1 if between else at))
            at = begun = blanks.end()
        elif quoted is not None:
            at = quoted.end()
        else:
            if character in "([":
                nesting.append(character)
            elif nesting and nesting[-1] + character in ("()", "[]"):
                nesting.pop()
            at += 1
    return [*parts, line.part(begun, at)], at


def rest(line: Line, start: int) -> Line:
    """All arguments from `start` on as one, without redundant blanks."""
    parts, begun = [], start
    for match in _QUOTED_OR_BLANKS.finditer(line.text, start):
        at, end = match.span()
        if not match.group().isspace():
            continue
        between = begun < at and _separates(line.text, at, end)
        parts.append(line.part(begun, at + 1 if between else at))
        begun = end
    return Line.joined([*parts, line.part(begun, len(line.text))])


def _separates(text: str, start: int, end: int) -> bool:
    """Whether the blanks from `start` to `end` stand between two words."""
    before = _LETTER.match(text, start - 1) if start else None
    return before is not None and _BEGINNING.match(text, end) is not None


def _after(text: str, at: int) -> int:
    """Where the next argument begins, after blanks and one comma."""
    match = _SEPARATORS.match(text, at)
    assert match is not None
    return match.end()


def _without_escapes(line: Line) -> Line:
    """Without the `!` before characters that are to stand for themselves."""
    if "!" not in line.text:
        return line
    parts, at = [], 0
    while (mark := line.text.find("!", at)) >= 0 and mark + 1 < len(line.text):
        parts += [line.part(at, mark), line.part(mark + 1, mark + 2)]
        at = mark + 2
    return Line.joined([*parts, line.part(at, len(line.text))])
