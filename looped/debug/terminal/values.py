"""Values: words as text, in gdb's formats; matrices of fixed-point numbers."""

from __future__ import annotations

import re
from fractions import Fraction

from looped.debug.debugger import Debugger
from looped.debug.expressions import parse, parse_whole
from looped.debug.terminal.layout import table
from looped.debug.words import Number, Words
from looped.errors import CompileError

__all__ = ["assigned", "matrix", "shown", "stored_at"]

_STORED = re.compile(r"\*(.*)|mem\s*\[(.*)\]", re.DOTALL)


def assigned(debugger: Debugger, text: str, form: str | None = None) -> str:
    """`EXPRESSION = value`; for the name of a matrix, its rows below. Raises CompileError."""
    if form is None and (rows := matrix(debugger, text)):
        return f"{text} = {rows[0].strip()}" if len(rows) == 1 else "\n".join([f"{text} =", *rows])
    value = parse(text)(debugger.words)
    return f"{text} = {shown(debugger, value, form)}"


def shown(debugger: Debugger, value: Number, form: str | None = None) -> str:
    """A number in a format; of a fixed-point number all except `f` show the integer.

    Raises CompileError for an unknown format.
    """
    words = debugger.words
    if form is None or form == "f":
        if isinstance(value, int) and form == "f":
            value = Fraction(value, 1 << words.fraction)
        return str(value) if isinstance(value, int) else f"{float(value):.9g}"
    number = value if isinstance(value, int) else round(value * (1 << words.fraction))
    unsigned = number % (1 << words.width)
    match form:
        case "d":
            return str(number)
        case "u":
            return str(unsigned)
        case "x":
            return f"{unsigned:#x}"
        case "t":
            return f"{unsigned:#b}"
        case "c":
            return f"{number} {chr(unsigned & 0xFF)!r}"
    raise CompileError(f"no format `{form}`", hint="formats: d u x t c f, and i for x")


def stored_at(words: Words, text: str) -> int:
    """The address of a word of memory, `*ADDRESS` or `mem[ADDRESS]`. Raises CompileError."""
    inner = _STORED.fullmatch(text.strip())
    if inner is None:
        raise CompileError(f"`{text}` names no word of memory", hint="*LABEL or mem[ADDRESS]")
    return parse_whole(inner[1] or inner[2])(words)


def matrix(debugger: Debugger, name: str) -> list[str]:
    """The lines of a matrix with this name; none if the program has no such matrix."""
    numbers = debugger.words.number_at
    rows = [[shown(debugger, numbers(at)) for at in row] for row in elements(debugger, name)]
    return table(rows[0], rows[1:]) if rows else []


def elements(debugger: Debugger, name: str) -> list[list[int]]:
    """The addresses of the elements of a matrix, row by row; none if there is no such matrix."""
    words, stride = debugger.words, debugger.timeline.machine.plan.parameters.get("side")
    sizes = [words.symbol(f"{name.strip()}.{size}") for size in ("rows", "cols")]
    first, (rows, cols) = words.symbol(name.strip()), sizes
    if first is None or rows is None or cols is None or stride is None:
        return []
    return [[first + row * stride + col for col in range(cols)] for row in range(rows)]
