"""Item: a statement after expansion, ready to be laid out."""

from __future__ import annotations

from dataclasses import dataclass

from looped.errors import LoopedError, Span
from looped.image import Location
from looped.lang.gnu.nodes import Anchor, Operand, Text

__all__ = ["Item", "span_of", "texts_of"]


@dataclass(slots=True, eq=False)
class Item:
    """Data or an instruction at a place.

    `kind` is a directive or a mnemonic, `written` is the mnemonic in the source. `note` names the
    expansion that contains the item. `origin` is the source text that caused the item: its own
    text, or the outermost invocation. After layout the item has `size` bytes. While `is_open` is
    set, its size may change with the places of other items.
    """

    kind: str
    span: Span
    operands: tuple[Operand, ...]
    anchor: Anchor
    origin: Span
    note: str | None = None
    written: str = ""
    size: int = 0
    is_open: bool = False

    @property
    def location(self) -> Location:
        """The source line that caused the item."""
        return Location(self.origin.source.name, self.origin.line)

    def owns(self, span: Span | None) -> bool:
        """Whether a span lies on the line of the item, and not in an argument."""
        if span is None or span.source is not self.span.source:
            return False
        return span.line == self.span.line


def span_of(operand: Operand) -> Span:
    """The place of an operand in the source."""
    return operand.span


def texts_of(item: Item) -> list[bytes]:
    """The texts of a directive. Raises LoopedError if there are none, or other operands."""
    texts = [o.content for o in item.operands if isinstance(o, Text)]
    if not texts or len(texts) < len(item.operands):
        raise LoopedError(f"{item.kind} needs a text", item.span, f'{item.kind} "like this"')
    return texts
