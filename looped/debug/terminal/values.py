"""Values: words as text, in gdb's formats; matrices of fixed-point numbers."""

from __future__ import annotations

import re

from looped.debug.debugger import Debugger
from looped.debug.expressions import parse
from looped.debug.terminal.layout import table
from looped.errors import CompileError

__all__ = ["assigned", "default_form", "matrix", "shown"]

_WORD = re.compile(r"\*\s*[\w.]+|\*\s*\([^()]*\)|mem\s*\[[^\[\]]*\]")


def default_form(debugger: Debugger, text: str) -> str:
    """The format of an expression: `f` for a word of memory that is a fixed-point number."""
    return "f" if _fraction(debugger) and _WORD.fullmatch(text.strip()) else "d"


def assigned(debugger: Debugger, text: str, form: str | None = None) -> str:
    """`EXPRESSION = value`; for the name of a matrix, its rows below. Raises CompileError."""
    if form is None and (rows := matrix(debugger, text)):
        return f"{text} = {rows[0].strip()}" if len(rows) == 1 else "\n".join([f"{text} =", *rows])
    value = parse(text)(debugger.words)
    return f"{text} = {shown(debugger, value, form or default_form(debugger, text))}"


def shown(debugger: Debugger, value: int, form: str) -> str:
    """A number in a format. Raises CompileError for an unknown one."""
    unsigned = value % (1 << debugger.words.width)
    match form:
        case "d":
            return str(value)
        case "u":
            return str(unsigned)
        case "x":
            return f"{unsigned:#x}"
        case "t":
            return f"{unsigned:#b}"
        case "c":
            return f"{value} {chr(unsigned & 0xFF)!r}"
        case "f":
            return f"{value / (1 << _fraction(debugger)):.9g}"
    raise CompileError(f"no format `{form}`", hint="formats: d u x t c f, and i for x")


def matrix(debugger: Debugger, name: str) -> list[str]:
    """The lines of a matrix with this name; none if the program has no such matrix."""
    words, stride = debugger.words, debugger.timeline.machine.plan.parameters.get("side")
    sizes = [words.symbol(f"{name.strip()}.{size}") for size in ("rows", "cols")]
    first, (rows, cols) = words.symbol(name.strip()), sizes
    if first is None or rows is None or cols is None or stride is None:
        return []
    texts = [
        [shown(debugger, words.at(first + row * stride + col), "f") for col in range(cols)]
        for row in range(rows)
    ]
    return table(texts[0], texts[1:])


def _fraction(debugger: Debugger) -> int:
    """How many bits of a word follow the binary point."""
    return debugger.timeline.machine.plan.parameters.get("fraction", 0)
