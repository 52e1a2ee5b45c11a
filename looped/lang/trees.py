"""Parse trees to statements: literals become values, offsets become spans."""

from __future__ import annotations

from typing import Any, ClassVar

from lark import Token, Transformer, v_args

from looped.errors import LoopedError, Source, Span
from looped.lang.ast import (
    Argument,
    Binary,
    Command,
    Expression,
    Here,
    Label,
    MacroHead,
    Number,
    Statement,
    Symbol,
    Text,
    Unary,
)

__all__ = ["Builder"]

_DEEPEST = 150
_LONGEST_NAME = 200


@v_args(inline=True)
class Builder(Transformer[Token, Any]):
    """Makes statements from the tree of one line, which begins at `offset` of the source."""

    escapes: ClassVar[dict[str, int]] = {
        "n": 10, "t": 9, "r": 13, "0": 0, "\\": 92, "'": 39, '"': 34,
    }  # fmt: skip

    longest_number: ClassVar[int] = 40
    """The most digits, those of the prefix included."""

    def __init__(self, source: Source, offset: int) -> None:
        super().__init__()
        self._source = source
        self._offset = offset
        self._depth: dict[int, int] = {}

    def start(self, *statements: Statement) -> list[Statement]:
        return list(statements)

    def label(self, token: Token) -> Label:
        name = self._name(token)
        return Label(name.name, name.span)

    def macro(self, head: Token, name: Token, parameters: tuple[Symbol, ...] = ()) -> MacroHead:
        return MacroHead(self._name(name), parameters, self._span(head))

    def parameters(self, *names: Token) -> tuple[Symbol, ...]:
        return tuple(map(self._name, names))

    def command(self, name: Token, arguments: tuple[Argument, ...] = ()) -> Command:
        self._name(name)
        return Command(str(name), arguments, self._span(name))

    def arguments(self, *arguments: Argument) -> tuple[Argument, ...]:
        return arguments

    def text(self, token: Token) -> Text:
        return Text(bytes(self._characters(token)), self._span(token))

    def character(self, token: Token) -> Number:
        return Number(self._characters(token)[0], self._span(token))

    def number(self, token: Token) -> Expression:
        digits = token.replace("_", "").lower()
        base = {"0x": 16, "0b": 2}.get(digits[:2], 10)
        if len(digits) > self.longest_number:
            message = f"this number has {len(digits)} digits"
            raise LoopedError(message, self._span(token), f"at most {self.longest_number}")
        try:
            return Number(int(digits, base), self._span(token))
        except ValueError:
            hint = "decimal 42, hexadecimal 0x2a, binary 0b101010"
            raise LoopedError(f"`{token}` is not a number", self._span(token), hint) from None

    def here(self, token: Token) -> Here:
        return Here(self._span(token))

    def symbol(self, token: Token) -> Symbol:
        return self._name(token)

    def unary(self, operator: Token, operand: Expression) -> Unary:
        span = Span(self._source, self._span(operator).start, operand.span.end)
        node = Unary(str(operator), operand, span)
        self._bound_depth(node, operand)
        return node

    def binary(self, left: Expression, operator: Token, right: Expression) -> Binary:
        span = Span(self._source, left.span.start, right.span.end)
        node = Binary(str(operator), left, right, span)
        self._bound_depth(node, left, right)
        return node

    def _span(self, token: Token) -> Span:
        start = self._offset + (token.start_pos or 0)
        return Span(self._source, start, start + len(token))

    def _name(self, token: Token) -> Symbol:
        if len(token) > _LONGEST_NAME:
            raise LoopedError(
                f"this name has {len(token)} characters",
                self._span(token),
                f"at most {_LONGEST_NAME}",
            )
        return Symbol(str(token), self._span(token))

    def _bound_depth(self, node: Expression, *parts: Expression) -> None:
        """Refuse a node so deep that a walk would exhaust the stack."""
        depth = 1 + max(self._depth.get(id(part), 0) for part in parts)
        if depth > _DEEPEST:
            raise LoopedError(
                "this expression is nested too deeply",
                node.span,
                f"at most {_DEEPEST} levels: name a part of it with .equ",
            )
        self._depth[id(node)] = depth

    def _characters(self, token: Token) -> list[int]:
        body, i = str(token)[1:-1], 0
        result: list[int] = []
        while i < len(body):
            if body[i] != "\\":
                result += self._plain(body[i], token)
                i += 1
            else:
                value, length = self._escape(body, i, token)
                result.append(value)
                i += length
        return result

    def _plain(self, character: str, token: Token) -> bytes:
        if ord(character) > 255:
            raise LoopedError(f"`{character}` is not a byte", self._span(token))
        return bytes([ord(character)])

    def _escape(self, body: str, at: int, token: Token) -> tuple[int, int]:
        """The byte that the escape at `at` stands for, and the length of the escape."""
        letter = body[at + 1]
        if letter == "x":
            try:
                return int(body[at + 2 : at + 4], 16), 4
            except ValueError:
                raise self._no_escape(token, body[at : at + 4]) from None
        if letter not in self.escapes:
            raise self._no_escape(token, body[at : at + 2])
        return self.escapes[letter], 2

    def _no_escape(self, token: Token, escape: str) -> LoopedError:
        known = " ".join(f"\\{name}" for name in self.escapes)
        return LoopedError(f"`{escape}` is not an escape", self._span(token), f"{known} \\x41")
