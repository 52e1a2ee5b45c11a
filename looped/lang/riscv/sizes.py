"""The size of each item in bytes: during reading, and in a layout that still changes.

The number that `li` loads, the distance of a branch and the bytes of `.uleb128` may depend on the
addresses of labels, which in turn depend on these sizes. So each item begins with its shortest form
and grows where necessary.
"""

from __future__ import annotations

from dataclasses import dataclass

from looped.errors import LoopedError
from looped.lang.gnu.data import (
    ALIGNING,
    FILLING,
    LEB128,
    NUMBERS,
    TEXTS,
    alignment,
    fill,
    leb128,
    texts,
)
from looped.lang.gnu.items import Item, span_of
from looped.lang.gnu.nodes import Binary, Group, Missing, Name, Node, Operand, Text, Unary
from looped.lang.gnu.values import constant, is_address
from looped.lang.riscv.instructions import BRANCHES, distance, is_short, size
from looped.lang.riscv.operands import Operands

__all__ = ["ORIGIN", "Sizes", "length"]

ORIGIN = ".org"
_REACH = 4096


def length(item: Item) -> int | None:
    """The bytes of an item during reading; None if they depend on later statements.

    Raises LoopedError for a wrong number of operands.
    """
    kind = item.kind
    if kind in NUMBERS:
        return NUMBERS[kind] * len(item.operands)
    if kind in TEXTS:
        return len(texts(item))
    if kind in FILLING and all(_known(operand, item) is not None for operand in item.operands):
        count, content = fill(item, lambda operand, _: _known(operand, item) or 0)
        return count * len(content)
    if kind in FILLING or kind in ALIGNING or kind in LEB128 or kind == ORIGIN:
        return None
    if kind in BRANCHES:
        size(item)
        return None
    if kind == "li" and len(item.operands) == 2:
        value = _known(item.operands[1], item)
        return None if value is None else 4 if is_short(value) else 8
    return size(item)


def _known(operand: Operand, item: Item) -> int | None:
    if isinstance(operand, Text | Missing):
        return None
    return constant(operand, item.anchor)


@dataclass
class Sizes:
    """The sizes of items whose length is open, by the addresses so far."""

    operands: Operands

    def now(self, item: Item, base: int) -> int:
        """The bytes of an item in a section that begins at `base`. Raises LoopedError."""
        kind, address = item.kind, item.anchor.address
        if kind in FILLING:
            count, content = fill(item, self.operands.number)
            return count * len(content)
        if kind in ALIGNING:
            return alignment(item, self.operands.number).gap(address)
        if kind == ORIGIN:
            return self._origin(item, base) - address
        return max(4 if kind not in LEB128 else 1, item.size)

    def grow(self, item: Item) -> bool:
        """Give an item the bytes that it needs at its address; returns whether it had fewer. Raises
        LoopedError for an operand without a value."""
        before = item.size
        if item.kind in LEB128:
            item.size = max(before, len(leb128(item, self.operands.number)))
        elif item.kind == "li":
            value = self.operands.number(item.operands[1], item.anchor.address)
            item.size = max(before, 4 if is_short(value) else 8)
        elif item.kind in BRANCHES:
            item.size = max(before, 8 if self._is_far(item) else 4)
        return item.size > before

    def _is_far(self, item: Item) -> bool:
        target = item.operands[2]
        if not isinstance(target, Text | Missing) and _is_elsewhere(target, item.anchor.section):
            return True
        return not -_REACH <= distance(target, item, self.operands) < _REACH

    def _origin(self, item: Item, base: int) -> int:
        if not 1 <= len(item.operands) <= 2:
            raise LoopedError(".org needs one number", item.span, ".org 0x100")
        target = item.operands[0]
        value = self.operands.number(target, item.anchor.address)
        if not isinstance(target, Text | Missing) and is_address(target):
            value -= base
        least = item.anchor.address - base
        if value < least:
            message = f".org {value} is less than the offset so far, {least}"
            raise LoopedError(message, span_of(target))
        return base + value


def _is_elsewhere(node: Node, section: str) -> bool:
    """Whether a target is a label in another section, or one that a linker may replace."""
    match node:
        case Name(symbol, _):
            if symbol.value is not None:
                return False
            return symbol.weak or (symbol.is_defined and symbol.anchor.section != section)
        case Binary(_, left, right, _):
            return _is_elsewhere(left, section) or _is_elsewhere(right, section)
        case Group(inner, _) | Unary(_, inner, _):
            return _is_elsewhere(inner, section)
        case _:
            return False
