"""The syntax of GNU as for RISC-V: what it has beyond the common grammar.

Comments are `# …`, `// …` and `/* … */`; a semicolon ends a statement. A number with a leading zero
is octal, a label may be a number (`1:`, then `1b` and `1f`), `\\name` is a macro's parameter.
"""

from __future__ import annotations

import re
from typing import ClassVar

from lark import Token, v_args

from looped.errors import LoopedError, Source, Span
from looped.lang.ast import (
    Command,
    Expression,
    Group,
    Label,
    Memory,
    Modifier,
    Number,
    Statement,
    Symbol,
)
from looped.lang.parser import Syntax
from looped.lang.trees import Builder

__all__ = ["GNU"]

_LEXEMES = re.compile(
    r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])\'|#[^\n]*|//[^\n]*|/\*(?:.*?\*/|.*)', re.DOTALL
)
"""What a comment's beginning may stand in, and comments."""

_PREPROCESSOR = re.compile(r"^#[ \t]*(?:define|include|if|ifdef|ifndef|undef)\b", re.MULTILINE)
_OCTAL = re.compile(r"[0-7]{1,3}")
_HEXADECIMAL = re.compile(r"[0-9a-fA-F]+")


@v_args(inline=True)
class _GnuBuilder(Builder):
    """Statements of GNU as."""

    escapes: ClassVar[dict[str, int]] = {**Builder.escapes, "b": 8, "f": 12}

    def lines(self, *lines: list[Statement]) -> list[Statement]:
        return [statement for line in lines for statement in line]

    def line(self, *statements: Statement) -> list[Statement]:
        return list(statements)

    def numbered(self, token: Token) -> Label:
        if not token.isdigit():
            name = self._name(token).name
            raise LoopedError(f"`{name}` is no label", self._span(token), "a name, or 1, 2, …")
        return self.label(token)

    def dotted(self, token: Token) -> Label:
        return self.label(token)

    def assignment(self, name: Token, value: Expression) -> Command:
        symbol = self._name(name)
        return Command(".set", (symbol, value), symbol.span)

    def number(self, token: Token) -> Expression:
        if re.fullmatch(r"\d+[bf]", token):
            return self._name(token)
        if re.fullmatch(r"0[0-7]+", token) and len(token) <= self.longest_number:
            return Number(int(token, 8), self._span(token))
        return super().number(token)

    def parameter(self, token: Token) -> Symbol:
        return Symbol(self._name(token).name[1:], self._span(token))

    def group(self, inner: Expression) -> Group:
        start, end = inner.span.start - 1, inner.span.end + 1
        node = Group(inner, Span(self._source, start, end))
        self._bound_depth(node, inner)
        return node

    def modifier(self, token: Token, operand: Expression) -> Modifier:
        return Modifier(self._name(token).name, operand, self._span(token))

    def memory(self, offset: Expression, base: Expression) -> Memory:
        return Memory(offset, base, Span(self._source, offset.span.start, base.span.end + 1))

    def _plain(self, character: str, token: Token) -> bytes:
        return character.encode()

    def _escape(self, body: str, at: int, token: Token) -> tuple[int, int]:
        octal = _OCTAL.match(body, at + 1)
        if octal:
            return int(octal.group(), 8) & 0xFF, 1 + len(octal.group())
        digits = _HEXADECIMAL.match(body, at + 2) if body[at + 1] == "x" else None
        if digits:
            return int(digits.group(), 16) & 0xFF, 2 + len(digits.group())
        return super()._escape(body, at, token)


def _without_comments(source: Source) -> str:
    """The text with spaces for comments.

    Raises LoopedError for a comment without an end, and in a `.S` file for a line of the C
    preprocessor, which would pass for a comment.
    """
    directive = _PREPROCESSOR.search(source.text) if source.name.endswith(".S") else None
    if directive:
        message = f"`{directive.group()}` is for the C preprocessor"
        raise LoopedError(message, Span(source, *directive.span()), "gcc -E -P FILE.S > FILE.s")

    def blank(match: re.Match[str]) -> str:
        lexeme = match.group()
        if lexeme[0] in "\"'":
            return lexeme
        if lexeme.startswith("/*") and (len(lexeme) < 4 or not lexeme.endswith("*/")):
            span = Span(source, match.start(), match.start() + 2)
            raise LoopedError("this comment has no end", span, "*/ ends it")
        return re.sub(r"[^\n]", " ", lexeme)

    return _LEXEMES.sub(blank, source.text)


GNU = Syntax(
    grammar="riscv.lark",
    builder=_GnuBuilder,
    prepare=_without_comments,
    sentences={
        "a parenthesis is not closed": [
            "lw a, 1(b",
            "lw a, 1(",
            "lw a, %hi(b",
            "lw a, b(c, d",
            "lw (a",
            "lw (",
            "lw a, (",
        ],
        "a modifier is followed by its operand in parentheses": ["lui a, %hi", "lui a, %hi b"],
        "an empty pair of parentheses": ["lw a, 1()", "lw a, %lo()"],
        "a value is missing": ["a =", "a = ,"],
    },
)
"""GNU as for RISC-V."""
