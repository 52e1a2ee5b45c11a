"""Conditions: `.if` and its like, `.elseif`, `.else`, `.endif`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from looped.errors import LoopedError, Span

__all__ = ["CONDITIONS", "Conditions"]

COMPARISONS: dict[str, Callable[[int], bool]] = {
    ".if": lambda value: value != 0,
    ".ifne": lambda value: value != 0,
    ".ifeq": lambda value: value == 0,
    ".ifge": lambda value: value >= 0,
    ".ifgt": lambda value: value > 0,
    ".ifle": lambda value: value <= 0,
    ".iflt": lambda value: value < 0,
}
"""Conditions on a number."""

_ABOUT_TEXT = (".ifb", ".ifnb", ".ifc", ".ifnc", ".ifdef", ".ifndef", ".ifnotdef", ".ifeqs")
OPENING = frozenset({*COMPARISONS, *_ABOUT_TEXT, ".ifnes"})
CONDITIONS = OPENING | {".else", ".elseif", ".endif"}
"""The directives that count even among skipped statements."""


@dataclass(slots=True)
class _Condition:
    """An open `.if`: whether its statements count now, and whether those of a later branch may."""

    name: str
    span: Span
    counts: bool
    may_count: bool
    has_else: bool = False


@dataclass
class Conditions:
    """The open conditions, the innermost last."""

    _open: list[_Condition] = field(default_factory=list)

    @property
    def depth(self) -> int:
        """The number of open conditions."""
        return len(self._open)

    @property
    def hold(self) -> bool:
        """Whether statements count here."""
        return not self._open or self._open[-1].counts

    def begin(self, name: str, span: Span, holds: Callable[[], bool]) -> None:
        """Begin an `.if`. `holds` is not called where statements are skipped.

        If `holds` raises LoopedError, every statement up to the end of the `.if` is skipped.
        """
        skipped = not self.hold
        condition = _Condition(name, span, False, False)
        self._open.append(condition)
        if not skipped:
            condition.counts = holds()
            condition.may_count = not condition.counts

    def otherwise(self, name: str, span: Span, holds: Callable[[], bool]) -> None:
        """An `.elseif` or an `.else`. Raises LoopedError without an open `.if`."""
        condition = self._innermost(name, span)
        if condition.has_else:
            raise LoopedError(f"this {name} follows an .else", span, f"of {condition.span}")
        condition.counts = condition.may_count and holds()
        condition.may_count &= not condition.counts
        condition.has_else = name == ".else"

    def end(self, name: str, span: Span) -> None:
        """An `.endif`. Raises LoopedError without an open `.if`."""
        self._innermost(name, span)
        self._open.pop()

    def leave(self, depth: int) -> list[LoopedError]:
        """Close the conditions of a file or an expansion that ends; returns their errors."""
        left, self._open = self._open[depth:], self._open[:depth]
        return [LoopedError(f"this {c.name} has no .endif", c.span) for c in left]

    def _innermost(self, name: str, span: Span) -> _Condition:
        if not self._open:
            raise LoopedError(f"this {name} belongs to no .if", span)
        return self._open[-1]
