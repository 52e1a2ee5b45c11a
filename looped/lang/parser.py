"""Text to Program; syntax errors as sentences.

Lines are parsed one by one, so that one bad line hides no other.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from lark import Lark, Token, Transformer, UnexpectedInput, v_args
from lark.exceptions import UnexpectedCharacters, VisitError

from looped.errors import Diagnostic, LoopedError, Source, Span
from looped.lang.ast import (
    Argument,
    Binary,
    Command,
    Expression,
    Here,
    Label,
    MacroHead,
    Number,
    Program,
    Statement,
    Symbol,
    Text,
    Unary,
)

__all__ = ["parse"]

_DEEPEST = 150
_LONGEST_NUMBER = 40
_LONGEST_NAME = 200
_ESCAPES = {"n": 10, "t": 9, "r": 13, "0": 0, "\\": 92, "'": 39, '"': 34}

_SENTENCES = {
    "an operand is missing": ["mov a,", "mov ,a", "mov a,,b", ".word 1,", ".word ,", "mov )"],
    "an operator lacks its right side": ["mov a+", "mov a+,b", "mov -", "mov a*)", "mov ~,a"],
    "an operator lacks its left side": ["mov *a", "mov a,/b", ".word &1", "mov (*a)", "mov |"],
    "a parenthesis is not closed": ["mov (a", "mov (a,b", "mov ((a)", ".word (1", "mov (a b"],
    "a parenthesis closes what was not opened": ["mov a)", ".word 1)", "mov a,b)"],
    "an empty pair of parentheses": ["mov ()"],
    "a comma is missing between two operands": ["mov a b", ".word 1 2", "mov a 'c'", 'mov a "b"',
        "mov a,b c", ".word 1 (2)", 'mov "a" b', "mov a $", "mov a ~b"],
    "a statement begins with a label, a mnemonic or a directive": ["1 2", "+", "(", "'a'", '"a"',
        ", a", "$", "a: 1", "a: +", "a: (", ": a", "a: :", "a: b :: c"],
    "a macro needs a name": [".macro", ".macro 1", ".macro ,", ".macro $"],
    "a macro parameter is a name": [".macro m 1", ".macro m a,", ".macro m a,1", ".macro m $"],
    "a comma is missing between two parameters": [".macro m a b"],
    "text stands where a number is needed": ['mov a+"b"', 'mov -"b"', 'mov ("a")', 'mov "a"+1'],
    "a directive stands where an operand is needed": ["mov .word", "mov a,.word", "mov a .word"],
    "a colon stands where none belongs": ["mov a:", "mov a,b:", ".word 1:", "mov a:b"],
}  # fmt: skip


def parse(source: Source) -> tuple[Program, list[Diagnostic]]:
    """The statements of a source, and everything that is wrong with its syntax."""
    statements: list[Statement] = []
    errors: list[Diagnostic] = []
    offset = 0
    for line in source.text.split("\n"):
        if line and not line.isspace():
            try:
                statements += _parse_line(line, source, offset)
            except LoopedError as error:
                errors += error.diagnostics
        offset += len(line) + 1
    return Program(tuple(statements)), errors


def _parse_line(line: str, source: Source, offset: int) -> list[Statement]:
    try:
        result: list[Statement] = _Build(source, offset).transform(_lark().parse(line))
        return result
    except VisitError as error:
        if isinstance(error.orig_exc, LoopedError):
            raise error.orig_exc from None
        raise
    except UnexpectedInput as error:
        raise _syntax_error(error, line, source, offset) from None
    except RecursionError:
        span = Span(source, offset, offset + len(line))
        raise LoopedError("this line is nested too deeply", span) from None


@cache
def _lark() -> Lark:
    return Lark((Path(__file__).parent / "grammar.lark").read_text(), parser="lalr")


def _syntax_error(error: UnexpectedInput, line: str, source: Source, offset: int) -> LoopedError:
    start = min(error.pos_in_stream or 0, len(line))
    length = 1
    token = getattr(error, "token", None)
    if isinstance(token, Token) and token.type != "$END":
        length = len(token)
    elif not isinstance(error, UnexpectedCharacters):
        start = len(line.rstrip())
    span = Span(source, offset + start, offset + start + length)
    if isinstance(error, UnexpectedCharacters):
        return LoopedError(*_bad_character(line, start, span))
    sentence = error.match_examples(_lark().parse, _SENTENCES, use_accepts=True)
    return LoopedError(sentence or "this does not belong here", span)


def _bad_character(line: str, start: int, span: Span) -> tuple[str, Span, str | None]:
    character = line[start]
    if character == '"':
        return "this text has no closing quote", span, 'text is written "like this"'
    if character == "'":
        return "this is not a character", span, r"one character or escape: 'A', '\n', '\x41'"
    shown = character if character.isprintable() else f"\\x{ord(character):02x}"
    return f"`{shown}` has no meaning here", span, None


@v_args(inline=True)
class _Build(Transformer[Token, Any]):
    """Trees of one line to statements; offsets become spans of the source."""

    def __init__(self, source: Source, offset: int) -> None:
        super().__init__()
        self._source = source
        self._offset = offset
        self._depth: dict[int, int] = {}

    def _span(self, token: Token) -> Span:
        start = self._offset + (token.start_pos or 0)
        return Span(self._source, start, start + len(token))

    def _name(self, token: Token) -> Symbol:
        if len(token) > _LONGEST_NAME:
            raise LoopedError(
                f"a name of {len(token)} characters", self._span(token), f"at most {_LONGEST_NAME}"
            )
        return Symbol(str(token), self._span(token))

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

    def number(self, token: Token) -> Number:
        digits = token.replace("_", "").lower()
        base = {"0x": 16, "0b": 2}.get(digits[:2], 10)
        if len(digits) > _LONGEST_NUMBER:
            message = f"a number of {len(digits)} digits"
            raise LoopedError(message, self._span(token), f"at most {_LONGEST_NUMBER}")
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

    def _bound_depth(self, node: Unary | Binary, *parts: Expression) -> None:
        """Refuse what is so deep that walking it would exhaust the stack."""
        depth = 1 + max(self._depth.get(id(part), 0) for part in parts)
        if depth > _DEEPEST:
            raise LoopedError(
                "this expression is nested too deeply",
                node.span,
                f"at most {_DEEPEST} levels: name a part of it with .equ",
            )
        self._depth[id(node)] = depth

    def _characters(self, token: Token) -> list[int]:
        body, result, i = str(token)[1:-1], [], 0
        while i < len(body):
            if body[i] != "\\":
                if ord(body[i]) > 255:
                    raise LoopedError(f"`{body[i]}` is not a byte", self._span(token))
                result.append(ord(body[i]))
                i += 1
            elif body[i + 1] == "x":
                try:
                    result.append(int(body[i + 2 : i + 4], 16))
                except ValueError:
                    raise self._no_escape(token, body[i : i + 4]) from None
                i += 4
            elif body[i + 1] in _ESCAPES:
                result.append(_ESCAPES[body[i + 1]])
                i += 2
            else:
                raise self._no_escape(token, body[i : i + 2])
        return result

    def _no_escape(self, token: Token, escape: str) -> LoopedError:
        known = " ".join(f"\\{name}" for name in _ESCAPES)
        return LoopedError(f"`{escape}` is no escape", self._span(token), f"{known} \\x41")
