"""Tokens of a statement, and the values of numbers, characters and texts."""

from __future__ import annotations

import re
from dataclasses import dataclass

from looped.errors import LoopedError, Span
from looped.lang.ast import Text
from looped.lang.gnu.text import Line

__all__ = [
    "LONGEST_NAME",
    "NAME",
    "Token",
    "character",
    "check_digits",
    "number",
    "text",
    "tokens",
]

NAME = r"[A-Za-z_.$][\w.$]*"
"""What a name looks like."""

_TOKEN = re.compile(
    rf"""[ \t\f\r\v]*(?:
      (?P<name>{NAME})
    | (?P<number>[0-9]\w*)
    | (?P<text>"(?:\\.|[^"\\])*")
    | (?P<character>'(?:\\x[0-9a-fA-F]{{2}}(?=')|\\.|[^\\])'?)
    | (?P<operator>\|\||&&|<<|>>|<=|>=|<>|==|!=|[-+*/%&|^!~<>()=,@:\\])
    | (?P<end>$)
    )""",
    re.VERBOSE,
)
_ESCAPES = {"n": 10, "t": 9, "r": 13, "b": 8, "f": 12, "\\": 92, "'": 39, '"': 34}
_SHOWN_ESCAPES = r"\n \t \r \0 \\ \' \" \b \f \x41"
_OCTAL = re.compile(r"[0-7]{1,3}")
_HEXADECIMAL = re.compile(r"[0-9a-fA-F]+")
_LONGEST_NUMBER = 40
LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class Token:
    """A word, a literal or an operator, and its start in the line; `kind` is `end` after the last
    one."""

    kind: str
    text: str
    start: int

    @property
    def end(self) -> int:
        """Its end in the line."""
        return self.start + len(self.text)


def tokens(line: Line, start: int) -> list[Token]:
    """The tokens of a line from `start` on. Raises LoopedError for invalid characters."""
    result = []
    text, at = line.text, start
    while True:
        match = _TOKEN.match(text, at)
        if match is None:
            raise _no_token(line, at)
        kind = match.lastgroup or "end"
        result.append(Token(kind, match.group(kind), match.start(kind)))
        if kind == "end":
            return result
        if kind == "name" and len(match.group(kind)) > LONGEST_NAME:
            message = f"this name has {len(match.group(kind))} characters"
            raise LoopedError(message, line.span(*match.span(kind)), f"at most {LONGEST_NAME}")
        if kind == "number":
            check_digits(match.group(kind), line.span(*match.span(kind)))
        at = match.end()


def check_digits(digits: str, span: Span) -> None:
    """Raise LoopedError for a number with too many digits."""
    if len(digits) > _LONGEST_NUMBER:
        message = f"this number has {len(digits)} digits"
        raise LoopedError(message, span, f"at most {_LONGEST_NUMBER}")


def number(token: Token, span: Span) -> int:
    """The value of a number: decimal, `0x…`, `0b…`, or octal with a zero before it."""
    digits = token.text.lower()
    try:
        if digits[:2] in ("0x", "0b"):
            value = int(digits, 0) if "_" not in digits else -1
        else:
            value = int(digits, 8 if digits[0] == "0" else 10) if digits.isdigit() else -1
    except ValueError:
        value = -1
    if value < 0:
        hint = "decimal 42, hexadecimal 0x2a, binary 0b101010, octal 052"
        raise LoopedError(f"`{token.text}` is not a number", span, hint)
    if value >= 1 << 64:
        raise LoopedError("this value is too large", span, "numbers have 64 bits")
    return value


def character(token: Token, span: Span) -> int:
    """The value of `'a'` or `'a`. A backslash is for `\\b \\f \\n \\r \\t` and `\\x41`; before
    any other character it has no effect: `'\\0'` is 48, as in GNU as."""
    body = token.text[1:]
    if body.startswith("\\"):
        if len(body) > 3:
            return int(body[2:4], 16)
        return _ESCAPES.get(body[1]) or body[1].encode()[0]
    content = body[0].encode()
    if len(content) > 1:
        raise LoopedError(f"`{body[0]}` is not a byte", span)
    return content[0]


def text(token: Token, span: Span) -> Text:
    """The bytes of a text in quotation marks, in UTF-8. Raises LoopedError for unknown escapes."""
    body, at = token.text[1:-1], 0
    content = bytearray()
    while (escape := body.find("\\", at)) >= 0:
        content += body[at:escape].encode()
        value, length = _escape(body, escape, span)
        content.append(value)
        at = escape + length
    return Text(bytes(content + body[at:].encode()), span)


def _escape(body: str, at: int, span: Span) -> tuple[int, int]:
    """The byte that the escape at `at` stands for, and its length."""
    octal = _OCTAL.match(body, at + 1)
    if octal:
        return int(octal.group(), 8) & 0xFF, 1 + len(octal.group())
    letter = body[at + 1]
    digits = _HEXADECIMAL.match(body, at + 2) if letter in "xX" else None
    if digits:
        return int(digits.group(), 16) & 0xFF, 2 + len(digits.group())
    if letter not in _ESCAPES:
        raise LoopedError(f"`\\{letter}` is not an escape", span, _SHOWN_ESCAPES)
    return _ESCAPES[letter], 2


def _no_token(line: Line, at: int) -> LoopedError:
    text = line.text
    at += len(text[at:]) - len(text[at:].lstrip(" \t\f\r\v"))
    if text[at] == '"':
        span = line.span(at, at + 1)
        return LoopedError("this text has no closing quote", span, 'text is written "like this"')
    span = line.span(at, at + 1)
    if text[at] == "'":
        return LoopedError("this is not a character", span, r"one character or escape: 'A', '\n'")
    shown = text[at] if text[at].isprintable() else f"\\x{ord(text[at]):02x}"
    return LoopedError(f"`{shown}` has no meaning here", span)
