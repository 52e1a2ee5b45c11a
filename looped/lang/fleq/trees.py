"""Trees of the parser to statements: numbers become exact, offsets become spans."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

from lark import Token, Transformer, v_args
from lark.tree import Meta

from looped.errors import LoopedError, Source, Span
from looped.lang.fleq.nodes import (
    Condition,
    Current,
    Directive,
    Instruction,
    Label,
    Name,
    Number,
    Operand,
    Part,
    Place,
    Row,
    Shape,
    Single,
    Slice,
    Statement,
)

__all__ = ["Builder"]

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?")
_LONGEST = 100
"""Characters of a number at most; with exponents of three digits the exact value stays small."""

_LONGEST_NAME = 200
_LARGEST_SIZE = 1 << 20


@v_args(inline=True)
class Builder(Transformer[Token, Any]):
    """The tree of one line, which begins at `offset` of the source, to its statements."""

    def __init__(self, source: Source, offset: int) -> None:
        super().__init__()
        self._source = source
        self._offset = offset

    def start(self, *statements: Statement) -> list[Statement]:
        return list(statements)

    def label(self, token: Token) -> Label:
        return Label(self.name(token))

    def directive(self, token: Token, *items: Number | Name | Shape) -> Directive:
        return Directive(self.name(token), items)

    def row(self, *values: Number) -> Row:
        return Row(values)

    def instruction(self, token: Token, *rest: Any) -> Instruction:
        operands: tuple[Operand, ...] = next((r for r in rest if isinstance(r, tuple)), ())
        result = next((r for r in rest if isinstance(r, Number | Place)), None)
        condition = next((r for r in rest if isinstance(r, Condition)), None)
        return Instruction(self.name(token), operands, result, condition)

    def operands(self, *operands: Operand) -> tuple[Operand, ...]:
        return operands

    def result(self, operand: Operand) -> Operand:
        return operand

    def condition(
        self, _if: Token, flag: Operand, zero: Token, _goto: Token, target: Token
    ) -> Condition:
        if self.number(zero).value != 0:
            span = self._span(zero)
            raise LoopedError("a branch compares with 0", span, "if x <= 0 goto label")
        return Condition(flag, self.name(target))

    @v_args(meta=True, inline=False)
    def place(self, meta: Meta, children: list[Any]) -> Place:
        token, *rest = children
        parts: tuple[Part, ...] = next((r for r in rest if isinstance(r, tuple)), ())
        transposed = bool(rest) and isinstance(rest[-1], Token)
        return Place(self.name(token), parts, transposed, self._extent(meta))

    def index(self, *parts: Part) -> tuple[Part, ...]:
        return parts

    @v_args(meta=True, inline=False)
    def current(self, meta: Meta, _: list[Token]) -> Current:
        return Current(self._extent(meta))

    def single(self, index: Number | Name) -> Single:
        return Single(index, index.span)

    @v_args(meta=True, inline=False)
    def slice(self, meta: Meta, bounds: list[tuple[str, Number | Name]]) -> Slice:
        found = dict(bounds)
        return Slice(found.get("lower"), found.get("upper"), self._extent(meta))

    def lower(self, bound: Number | Name) -> tuple[str, Number | Name]:
        return "lower", bound

    def upper(self, bound: Number | Name) -> tuple[str, Number | Name]:
        return "upper", bound

    def shape(self, token: Token) -> Shape:
        rows, cols = (int(size[:9]) for size in re.split("[x×]", token))
        for size in (rows, cols):
            if not 1 <= size <= _LARGEST_SIZE:
                raise LoopedError(f"`{token[:30]}` is not a shape", self._span(token), "4x4")
        return Shape(rows, cols, self._span(token))

    def number(self, token: Token) -> Number:
        if len(token) > _LONGEST:
            message, hint = f"a number of {len(token)} characters", f"at most {_LONGEST}"
            raise LoopedError(message, self._span(token), hint)
        if not _NUMBER.fullmatch(token):
            hint = "decimal: 1.5, -2, .25, 1e-3"
            raise LoopedError(f"`{token}` is not a number", self._span(token), hint)
        return Number(Fraction(token), self._span(token))

    def name(self, token: Token) -> Name:
        if len(token) > _LONGEST_NAME:
            message, hint = f"a name of {len(token)} characters", f"at most {_LONGEST_NAME}"
            raise LoopedError(message, self._span(token), hint)
        return Name(str(token), self._span(token))

    def _span(self, token: Token) -> Span:
        start = self._offset + (token.start_pos or 0)
        return Span(self._source, start, start + len(token))

    def _extent(self, meta: Meta) -> Span:
        return Span(self._source, self._offset + meta.start_pos, self._offset + meta.end_pos)
