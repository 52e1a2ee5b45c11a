"""Statements and expressions, each with its span."""

from __future__ import annotations

from dataclasses import dataclass

from looped.errors import Span

__all__ = [
    "Argument",
    "Binary",
    "Command",
    "Expression",
    "Here",
    "Label",
    "MacroHead",
    "Number",
    "Program",
    "Statement",
    "Symbol",
    "Text",
    "Unary",
]


@dataclass(frozen=True, slots=True)
class Number:
    """A literal: decimal, hexadecimal, binary or a character."""

    value: int
    span: Span


@dataclass(frozen=True, slots=True)
class Symbol:
    """A label, a constant, a macro parameter, or a local label (`@name`)."""

    name: str
    span: Span


@dataclass(frozen=True, slots=True)
class Here:
    """`$` or `.`: the address of the statement."""

    span: Span


@dataclass(frozen=True, slots=True)
class Unary:
    """`-x`, `+x` or `~x`."""

    operator: str
    operand: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class Binary:
    """Two operands of one of `+ - * / % << >> & | ^`; the span is that of the whole."""

    operator: str
    left: Expression
    right: Expression
    span: Span


Expression = Number | Symbol | Here | Unary | Binary
"""What an operand may be."""


@dataclass(frozen=True, slots=True)
class Text:
    """A string literal, escapes resolved, one byte per character."""

    content: bytes
    span: Span


Argument = Expression | Text


@dataclass(frozen=True, slots=True)
class Label:
    """`name:`"""

    name: str
    span: Span


@dataclass(frozen=True, slots=True)
class Command:
    """An instruction, a macro's invocation, or a directive (its name begins with a dot)."""

    name: str
    arguments: tuple[Argument, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class MacroHead:
    """`.macro name parameter, …`: the statements up to `.endm` are its body."""

    name: Symbol
    parameters: tuple[Symbol, ...]
    span: Span


Statement = Label | Command | MacroHead


@dataclass(frozen=True, slots=True)
class Program:
    """The statements of one file, in order, as the parser makes them."""

    statements: tuple[Statement, ...]
