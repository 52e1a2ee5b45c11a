"""Statements and operands of FLEQ source, each with its span."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from looped.errors import Span

__all__ = [
    "Condition",
    "Current",
    "Directive",
    "Instruction",
    "Label",
    "Name",
    "Number",
    "Operand",
    "Part",
    "Place",
    "Row",
    "Shape",
    "Single",
    "Slice",
    "Statement",
]


@dataclass(frozen=True, slots=True)
class Number:
    """A decimal real, exact."""

    value: Fraction
    span: Span

    @property
    def text(self) -> str:
        """The number as it is written."""
        return _text(self.span)


@dataclass(frozen=True, slots=True)
class Name:
    """A matrix, a label or a constant."""

    name: str
    span: Span


@dataclass(frozen=True, slots=True)
class Shape:
    """`4x4`: rows and columns."""

    rows: int
    cols: int
    span: Span


@dataclass(frozen=True, slots=True)
class Current:
    """`*`: the row that the pointer into a matrix is at."""

    span: Span


@dataclass(frozen=True, slots=True)
class Single:
    """`i`: one row, column or element."""

    index: Number | Name
    span: Span


@dataclass(frozen=True, slots=True)
class Slice:
    """`i:j`: from i to before j; a bound left out is the first or the last one."""

    lower: Number | Name | None
    upper: Number | Name | None
    span: Span


Part = Current | Single | Slice
"""One index between brackets."""


@dataclass(frozen=True, slots=True)
class Place:
    """A matrix or a part of it, transposed or not. Without parts it may also be a constant."""

    name: Name
    parts: tuple[Part, ...]
    transposed: bool
    span: Span

    @property
    def text(self) -> str:
        """The operand as it is written."""
        return _text(self.span)


Operand = Number | Place
"""What an instruction works on."""


@dataclass(frozen=True, slots=True)
class Label:
    """`name:`"""

    name: Name


@dataclass(frozen=True, slots=True)
class Condition:
    """`if flag <= 0 goto target`"""

    flag: Operand
    target: Name


@dataclass(frozen=True, slots=True)
class Instruction:
    """`mnemonic operand, operand -> result if flag <= 0 goto target`.

    All but the mnemonic is optional.
    """

    mnemonic: Name
    operands: tuple[Operand, ...]
    result: Operand | None
    condition: Condition | None


@dataclass(frozen=True, slots=True)
class Directive:
    """`.name item item …`"""

    name: Name
    items: tuple[Number | Name | Shape, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """A line of numbers: it continues the matrix above."""

    values: tuple[Number, ...]

    @property
    def span(self) -> Span:
        """From the first number to the last."""
        first = self.values[0].span
        return Span(first.source, first.start, self.values[-1].span.end)


Statement = Label | Instruction | Directive | Row


def _text(span: Span) -> str:
    return span.source.text[span.start : span.end]
