"""Text to operands: expressions by precedence, `offset(register)`, `%modifier(…)`, texts."""

from __future__ import annotations

from dataclasses import dataclass, field

from looped.errors import LoopedError, Span
from looped.lang.gnu.arithmetic import BINARY, PRECEDENCE, UNARY
from looped.lang.gnu.literals import Token, character, number, text, tokens
from looped.lang.gnu.names import Names
from looped.lang.gnu.nodes import (
    Binary,
    Group,
    Here,
    Memory,
    Missing,
    Modifier,
    Name,
    Node,
    Number,
    Operand,
    Text,
    Unary,
)
from looped.lang.gnu.text import Line

__all__ = ["expression", "operands"]

_DEEPEST = 150


def operands(line: Line, start: int, names: Names, gaps: bool = False) -> tuple[Operand, ...]:
    """The operands of a statement from `start` on; with `gaps`, commas may enclose nothing.

    Raises LoopedError.
    """
    return _Parser(line, start, names).operands(gaps)


def expression(line: Line, start: int, names: Names) -> Node:
    """The only expression from `start` to the end of a line. Raises LoopedError."""
    return _Parser(line, start, names).only_expression()


@dataclass
class _Parser:
    """One walk over the tokens of a line."""

    line: Line
    start: int
    names: Names
    _at: int = 0
    _nesting: int = 0
    _depth: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._tokens = tokens(self.line, self.start)

    def operands(self, gaps: bool) -> tuple[Operand, ...]:
        """All operands, with a comma between two of them."""
        result: list[Operand] = []
        if self._token.kind == "end":
            return ()
        while True:
            missing = gaps and self._token.text == ","
            result.append(Missing(self._here()) if missing else self._operand())
            if self._token.kind == "end":
                return tuple(result)
            if self._token.text != ",":
                raise self._unexpected()
            self._at += 1

    def only_expression(self) -> Node:
        """One expression and nothing after it."""
        if self._token.kind == "end":
            raise LoopedError("a value is missing", self._here())
        node = self._binary(1)
        if self._token.kind != "end":
            raise self._unexpected()
        return node

    @property
    def _token(self) -> Token:
        return self._tokens[self._at]

    def _operand(self) -> Operand:
        token = self._token
        if token.kind == "text":
            found = self._text()
            if self._token.text in (",", ""):
                return found
            raise LoopedError("text stands where a number is needed", self._span(token))
        node = self._binary(1)
        return self._memory(node) if self._token.text == "(" else node

    def _text(self) -> Text:
        """Adjacent texts, which form one text."""
        content, first = b"", self._token
        while self._token.kind == "text":
            content += text(self._token, self._span(self._token)).content
            self._at += 1
        last = self._tokens[self._at - 1]
        return Text(content, self.line.span(first.start, last.end))

    def _memory(self, offset: Node) -> Memory:
        """`offset(base)`, from the parenthesis on."""
        group = self._group()
        return Memory(offset, group.inner, self._between(offset.span, group.span))

    def _binary(self, level: int) -> Node:
        """Operators that bind at least as strongly as `level`."""
        left = self._unary()
        while PRECEDENCE.get(self._token.text, 0) >= level and self._token.kind == "operator":
            operator = self._token.text
            self._at += 1
            if operator == "!" == self._token.text:  # as GNU as has it
                operator = "^"
                self._at += 1
            right = self._binary(PRECEDENCE[operator] + 1)
            span = self._between(left.span, right.span)
            node = Binary(operator, left, right, span)
            self._bound_depth(node, left, right)
            left = node
        return left

    def _unary(self) -> Node:
        token = self._token
        if token.kind != "operator":
            return self._primary(token)
        if token.text == "(":
            return self._group()
        if token.text == "%" and self._tokens[self._at + 1].kind == "name":
            return self._modifier(token)
        if token.text not in UNARY:
            raise self._no_operand(token)
        self._at += 1
        self._enter(token)
        operand = self._unary()
        self._nesting -= 1
        span = self._between(self._span(token), operand.span)
        node = Unary(token.text, operand, span)
        self._bound_depth(node, operand)
        return node

    def _primary(self, token: Token) -> Node:
        """A name or a literal."""
        span = self._span(token)
        if token.kind == "end":
            raise self._no_operand(token)
        self._at += 1
        if token.kind == "text":
            raise LoopedError("text stands where a number is needed", span)
        if token.kind == "character":
            return Number(character(token, span), span)
        if token.kind == "number":
            if token.text[-1] in "bf" and token.text[:-1].isdigit():
                return Name(self.names.numbered(token.text), span)
            return Number(number(token, span), span)
        if token.text == ".":
            return Here(span)
        node = Name(self.names.refer(token.text), span)
        if self._token.text == "@":
            self._table()
        return node

    def _table(self) -> None:
        """`@plt` behind a name: without a dynamic linker it has no effect."""
        what = self._tokens[self._at + 1]
        if what.text.lower() != "plt":
            span = self._between(self._span(self._token), self._span(what))
            raise LoopedError("only @plt may follow a name", span)
        self._at += 2

    def _group(self) -> Group:
        token = self._token
        self._at += 1
        if self._token.text == ")":
            raise LoopedError("these parentheses are empty", self._span(self._token))
        if self._token.kind == "end":
            raise LoopedError("a parenthesis is not closed", self._here())
        self._enter(token)
        inner = self._binary(1)
        self._nesting -= 1
        if self._token.text != ")":
            if self._token.kind == "end" or self._token.text == ",":
                raise LoopedError("a parenthesis is not closed", self._here())
            raise self._unexpected()
        span = self._between(self._span(token), self._span(self._token))
        self._at += 1
        node = Group(inner, span)
        self._bound_depth(node, inner)
        return node

    def _modifier(self, token: Token) -> Modifier:
        name = self._tokens[self._at + 1]
        self._at += 2
        if self._token.text != "(":
            message = "a modifier is followed by its operand in parentheses"
            raise LoopedError(message, self._here())
        group = self._group()
        span = self._between(self._span(token), self._span(name))
        return Modifier(f"%{name.text.lower()}", group.inner, span)

    def _enter(self, token: Token) -> None:
        """Go a level deeper, unless that would exhaust the stack."""
        self._nesting += 1
        if self._nesting > _DEEPEST:
            raise self._too_deep(self._span(token))

    def _bound_depth(self, node: Node, *parts: Node) -> None:
        """Refuse a node so deep that a walk would exhaust the stack."""
        depth = 1 + max(self._depth.get(id(part), 0) for part in parts)
        if depth > _DEEPEST:
            raise self._too_deep(node.span)
        self._depth[id(node)] = depth

    def _too_deep(self, span: Span) -> LoopedError:
        hint = f"at most {_DEEPEST} levels: name a part of it with .set"
        return LoopedError("this expression is nested too deeply", span, hint)

    def _span(self, token: Token) -> Span:
        return self.line.span(token.start, max(token.end, token.start + 1))

    def _here(self) -> Span:
        """The span of something missing: at a token, or right after the last."""
        token = self._token
        if token.kind == "end" and self._at > 0:
            end = self._tokens[self._at - 1].end
            return self.line.span(end, end + 1)
        return self._span(token)

    @staticmethod
    def _between(first: Span, last: Span) -> Span:
        """From the beginning of a span to the end of another, if both come from the same text."""
        together = first.source is last.source and first.start <= last.end
        return Span(first.source, first.start, last.end) if together else first

    def _no_operand(self, token: Token) -> LoopedError:
        """The error at a token that cannot begin an operand."""
        before = self._tokens[self._at - 1] if self._at else None
        if token.text == "\\":
            hint = "a backslash stands before a parameter in a macro's body"
            return LoopedError("this backslash has no meaning here", self._here(), hint)
        if before and before.kind == "operator" and before.text in (*BINARY, *UNARY):
            return LoopedError("an operator lacks its right side", self._here())
        if token.text in BINARY:
            return LoopedError("an operator lacks its left side", self._here())
        return LoopedError("an operand is missing", self._here())

    def _unexpected(self) -> LoopedError:
        """The error at a token that cannot follow an operand."""
        token = self._token
        if token.text == ")":
            message = "a parenthesis closes what was not opened"
        elif token.text == "(" or token.kind != "operator" or token.text in ("~", "%"):
            message = "a comma is missing between two operands"
        else:
            message = "this does not belong here"
        return LoopedError(message, self._span(token))
