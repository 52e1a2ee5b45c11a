"""Item: a statement after expansion, ready to be laid out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from looped.errors import Diagnostic, LoopedError, Span
from looped.image import Location
from looped.lang.ast import Text
from looped.lang.expressions import Anchor, Bound

__all__ = ["Item", "Noting", "text_of"]


@dataclass(frozen=True, slots=True)
class Item:
    """A label, a constant, data or an instruction, with the scope of its operands.

    `kind` is a directive, a mnemonic, or `label`. `key` is the name of a label or a constant in the
    symbol table. `note` names the expansion that contains the item. `origin` is the text in the
    source that caused the item: its own text, or the outermost invocation.
    """

    kind: str
    span: Span
    arguments: tuple[Bound | Text, ...]
    anchor: Anchor
    origin: Span
    key: str = ""
    note: str | None = None

    @property
    def location(self) -> Location:
        """The source line that caused the item."""
        return Location(self.origin.source.name, self.origin.line)

    def owns(self, span: Span | None) -> bool:
        """Whether a span lies on the line of the item, and not in an argument."""
        if span is None or span.source is not self.span.source:
            return False
        return span.line == self.span.line


class Noted(Protocol):
    """Something that may contain an error: its place and its expansion."""

    @property
    def note(self) -> str | None: ...

    def owns(self, span: Span | None) -> bool: ...


class Noting:
    """Collects a LoopedError raised within, with the expansion that contains its item."""

    def __init__(self, errors: list[Diagnostic], item: Noted | None) -> None:
        self._errors = errors
        self._item = item

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if not isinstance(error, LoopedError):
            return False
        for d in error.diagnostics:
            note = self._item.note if self._item and self._item.owns(d.span) else None
            hint = "; ".join(part for part in (d.hint, note) if part)
            self._errors.append(Diagnostic(d.message, d.span, hint or None))
        return True


def text_of(item: Item) -> list[bytes]:
    """The texts of a directive. Raises LoopedError if there are none, or other operands."""
    texts = [a.content for a in item.arguments if isinstance(a, Text)]
    if not texts or len(texts) < len(item.arguments):
        raise LoopedError(f"{item.kind} needs a text", item.span, f'{item.kind} "like this"')
    return texts
