"""Operands: expressions over symbols, registers, memory at a register, texts.

A name becomes a `Symbol` when it is read. So a later `.set` of the same name does not change
earlier uses.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from looped.errors import Span
from looped.lang.ast import Number, Text

__all__ = [
    "Anchor",
    "Binary",
    "Group",
    "Here",
    "Memory",
    "Missing",
    "Modifier",
    "Name",
    "Node",
    "Number",
    "Operand",
    "Symbol",
    "Text",
    "Unary",
]


@dataclass(slots=True, eq=False)
class Anchor:
    """A place in the program; its address is known after layout.

    During reading, the place is `offset` bytes after the beginning of `stretch`, a part
    of a section in which every statement has a known length; 0 is no stretch.
    """

    address: int = 0
    stretch: int = 0
    offset: int = 0
    section: str = ""


@dataclass(slots=True, eq=False)
class Symbol:
    """The meaning of a name: a label at `anchor`, or the `value` of an expression there.

    The source may define it later than it uses it. `span` is the place of the definition. `known`
    is the value during reading, if it is known: a number, and the stretch from which it counts.
    """

    name: str
    span: Span | None = None
    anchor: Anchor = field(default_factory=Anchor)
    value: Node | None = None
    weak: bool = False
    known: tuple[int, int] | None = None

    @property
    def is_defined(self) -> bool:
        """Whether the source has defined the symbol so far."""
        return self.span is not None


@dataclass(frozen=True, slots=True)
class Name:
    """A name in an expression."""

    symbol: Symbol
    span: Span


@dataclass(frozen=True, slots=True)
class Here:
    """`.`: the address of the statement, or of the number in a directive for data."""

    span: Span


@dataclass(frozen=True, slots=True)
class Unary:
    """`-x`, `+x`, `~x` or `!x`."""

    operator: str
    operand: Node
    span: Span


@dataclass(frozen=True, slots=True)
class Binary:
    """Two operands of an operator; the span is that of the whole."""

    operator: str
    left: Node
    right: Node
    span: Span


@dataclass(frozen=True, slots=True)
class Group:
    """`(x)`; the span includes the parentheses. With a register: the memory at it."""

    inner: Node
    span: Span


@dataclass(frozen=True, slots=True)
class Modifier:
    """`%hi(x)`: a part of an address; it stands alone as an operand or an offset."""

    name: str
    operand: Node
    span: Span


@dataclass(frozen=True, slots=True)
class Memory:
    """`offset(base)`: the memory at a register and an offset."""

    offset: Node
    base: Node
    span: Span


Node = Number | Name | Here | Unary | Binary | Group | Modifier | Memory
"""An expression. Modifier and Memory have no value by themselves."""


@dataclass(frozen=True, slots=True)
class Missing:
    """Nothing between two commas, where a directive allows that."""

    span: Span


Operand = Node | Text | Missing
