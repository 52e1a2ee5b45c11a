"""Whether a condition holds: `.if` and the others, each with its operands."""

from __future__ import annotations

from looped.errors import LoopedError, Span
from looped.lang.gnu.arguments import arguments
from looped.lang.gnu.assembly import Assembly
from looped.lang.gnu.conditions import COMPARISONS
from looped.lang.gnu.nodes import Name, Text
from looped.lang.gnu.operands import expression, operands
from looped.lang.gnu.text import Line

__all__ = ["holds"]


def holds(name: str, line: Line, at: int, span: Span, program: Assembly) -> bool:
    """Whether the condition `name` at `span` holds for the operands from `at` on.

    Raises LoopedError if its operands have no value yet.
    """
    if name in COMPARISONS:
        node = expression(line, at, program.names)
        return COMPARISONS[name](program.constant(node, "the condition"))
    if name in (".ifb", ".ifnb"):
        return (not line.text[at:].strip()) == (name == ".ifb")
    if name in (".ifdef", ".ifndef", ".ifnotdef"):
        node = expression(line, at, program.names)
        if not isinstance(node, Name):
            raise LoopedError(f"{name} needs a name", span, f"{name} SIZE")
        return node.symbol.is_defined == (name == ".ifdef")
    if name in (".ifc", ".ifnc"):
        return _same_texts(name, line, at, span) == (name == ".ifc")
    texts = operands(line, at, program.names)
    if len(texts) != 2 or not all(isinstance(text, Text) for text in texts):
        raise LoopedError(f"{name} needs two texts", span, f'{name} "a", "b"')
    one, other = (text.content for text in texts if isinstance(text, Text))
    return (one == other) == (name == ".ifeqs")


def _same_texts(name: str, line: Line, at: int, span: Span) -> bool:
    """Whether the two texts of `.ifc`, with or without quotation marks, are equal."""
    first, comma, second = line.text[at:].partition(",")
    if not comma:
        raise LoopedError(f"{name} needs two texts", span, f"{name} a, b")
    del first, second
    found = arguments(line, at)
    return len(found) == 2 and found[0].text == found[1].text
