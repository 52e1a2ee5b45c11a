"""Expressions of the debugger: numbers, symbols, words of memory, registers.

`counter` is the value of a symbol, most often an address; `*counter` or `mem[counter]` is the word
there. `$pc` is the program counter, `$x5` a register, `$NAME` any other word that the CPU column
keeps. Words of memory and registers are signed. `==` and `!=` compare integers modulo 2^width, so
that `$sp == 0x80001000` holds whether the word counts as negative or not.

Where words of memory are fixed-point numbers, `*s` is such a number, `*s > 0.5` compares what
people see, and `*s / 3` is exact. Symbols and registers are integers there, too.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import cache
from typing import Any

from lark import Lark, Token, Transformer
from lark.exceptions import LarkError, UnexpectedInput, VisitError

from looped.debug.words import Number, Words
from looped.errors import Diagnostic, Source, SourceError, Span

__all__ = ["Expression", "parse", "parse_whole"]

Expression = Callable[[Words], Number]
"""An expression that a program's words give a value. Raises SourceError if they have none."""

_GRAMMAR = r"""
?start: or
?or: and | or "||" and -> any
?and: compared | and "&&" compared -> all
?compared: sum | sum COMPARISON sum -> compare
?sum: product | sum ADDITIVE product -> binary
?product: unary | product MULTIPLICATIVE unary -> binary
?unary: atom | "-" unary -> minus | "!" unary -> negate | "*" unary -> word
?atom: NUMBER -> number
    | NAME -> symbol
    | "$" NAME -> register
    | "mem" "[" or "]" -> word
    | "(" or ")"
COMPARISON: "==" | "!=" | "<=" | ">=" | "<" | ">"
ADDITIVE: "+" | "-" | "&" | "|" | "^"
MULTIPLICATIVE.2: "*" | "/" | "%" | "<<" | ">>"
NUMBER: /0[xX][0-9a-fA-F]+|0[bB][01]+|[0-9]+(\.[0-9]+)?/
NAME: /[A-Za-z_.][\w.]*/
%ignore /[ \t]+/
"""


def _divided(a: Number, b: Number) -> Number:
    if isinstance(a, int) and isinstance(b, int):
        return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
    return Fraction(a) / b


_BINARY: Mapping[str, Callable[[Any, Any], Number]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _divided,
    "%": lambda a, b: abs(a) % abs(b) * (-1 if a < 0 else 1),
}

_BITWISE: Mapping[str, Callable[[int, int], int]] = {
    "&": operator.and_,
    "|": operator.or_,
    "^": operator.xor,
    "<<": lambda a, b: a << min(b, 64),
    ">>": lambda a, b: a >> min(b, 64),
}

_ORDERED: Mapping[str, Callable[[Number, Number], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@cache
def _parser() -> Lark:
    return Lark(_GRAMMAR, parser="lalr", propagate_positions=True)


def parse(text: str) -> Expression:
    """The expression that a text means. Raises SourceError for a text that means none."""
    source = Source("expression", text)
    try:
        tree = _parser().parse(text)
        built: Expression = _Builder(source).transform(tree)
    except UnexpectedInput as error:
        start = error.pos_in_stream if isinstance(error.pos_in_stream, int) else len(text)
        start = min(max(start, 0), max(len(text) - 1, 0))
        span = Span(source, start, start + 1)
        raise SourceError([Diagnostic("this is not an expression", span)]) from None
    except VisitError as error:
        raise error.orig_exc from None
    except LarkError as error:
        raise SourceError([Diagnostic(str(error))]) from None
    return built


def parse_whole(text: str) -> Callable[[Words], int]:
    """As `parse`, for an address or a count: the value is an integer, or there is a SourceError."""
    expression, source = parse(text), Source("expression", text)

    def value(words: Words) -> int:
        number = expression(words)
        if number.denominator == 1:
            return int(number)
        span = Span(source, 0, len(text))
        raise SourceError([Diagnostic(f"this is {float(number):g}, not a whole number", span)])

    return value


class _Builder(Transformer[Token, Expression]):
    """Builds an expression bottom-up: every method gets the expressions of its parts."""

    def __init__(self, source: Source) -> None:
        super().__init__()
        self._source = source

    def _fail(self, message: str, token: Token, hint: str | None = None) -> SourceError:
        start = token.start_pos or 0
        span = Span(self._source, start, start + len(token))
        return SourceError([Diagnostic(message, span, hint)])

    def number(self, parts: list[Token]) -> Expression:
        text = str(parts[0])
        value: Number = Fraction(text) if "." in text else int(text, _base(text))
        return lambda words: value

    def symbol(self, parts: list[Token]) -> Expression:
        def value(words: Words) -> int:
            found = words.symbol(str(parts[0]))
            if found is None:
                near = words.near(str(parts[0]))
                hint = f"did you mean `{near}`?" if near else "registers begin with $: $pc"
                raise self._fail(f"no symbol named `{parts[0]}`", parts[0], hint)
            return found

        return value

    def register(self, parts: list[Token]) -> Expression:
        def value(words: Words) -> int:
            found = words.register(str(parts[0]))
            if found is None:
                known = ", ".join(f"${name}" for name in words.register_names())
                raise self._fail(f"no register named `${parts[0]}`", parts[0], f"known: {known}")
            return found

        return value

    def word(self, parts: list[Expression]) -> Expression:
        inner = parts[0]

        def value(words: Words) -> Number:
            address = inner(words)
            if address.denominator != 1:
                raise SourceError([Diagnostic(f"{float(address):g} is not an address")])
            return words.number_at(int(address))

        return value

    def minus(self, parts: list[Expression]) -> Expression:
        inner = parts[0]
        return lambda words: -inner(words)

    def negate(self, parts: list[Expression]) -> Expression:
        inner = parts[0]
        return lambda words: int(not inner(words))

    def any(self, parts: list[Expression]) -> Expression:
        left, right = parts
        return lambda words: int(bool(left(words) or right(words)))

    def all(self, parts: list[Expression]) -> Expression:
        left, right = parts
        return lambda words: int(bool(left(words) and right(words)))

    def compare(self, parts: list[Any]) -> Expression:
        left, sign, right = parts
        if sign in _ORDERED:
            ordered = _ORDERED[sign]
            return lambda words: int(ordered(left(words), right(words)))
        wanted = sign == "=="

        def value(words: Words) -> int:
            distance = left(words) - right(words)
            if isinstance(distance, int):
                distance %= 1 << words.width
            return int((distance == 0) == wanted)

        return value

    def binary(self, parts: list[Any]) -> Expression:
        left, sign, right = parts

        def value(words: Words) -> Number:
            a, b = left(words), right(words)
            if sign in "/%" and b == 0:
                raise self._fail("division by zero", sign)
            if sign in _BINARY:
                return _BINARY[sign](a, b)
            if a.denominator != 1 or b.denominator != 1:
                raise self._fail("this needs whole numbers", sign)
            if sign in ("<<", ">>") and b < 0:
                raise self._fail("a shift by a negative number", sign)
            return _BITWISE[sign](int(a), int(b))

        return value


def _base(text: str) -> int:
    return {"0x": 16, "0b": 2}.get(text[:2].lower(), 10)
