"""Text to ast.Program, with a sentence for each syntax error.

Lines are parsed one by one, so an error in one line hides no error in another.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from lark import Lark, Token, UnexpectedInput
from lark.exceptions import UnexpectedCharacters, UnexpectedToken, VisitError

from looped.errors import Diagnostic, LoopedError, Source, Span
from looped.lang.ast import Program, Statement
from looped.lang.trees import Builder

__all__ = ["PLAIN", "Syntax", "parse"]

_Key = tuple[int, frozenset[str], str | None]

_MOST_ERRORS = 100
"""The most syntax errors reported per file: each sentence takes time."""

_SENTENCES = {
    "an operand is missing": ["mov a,", "mov ,a", "mov a,,b", ".word 1,", ".word ,", "mov )",
        "mov a,b,"],
    "an operator lacks its right side": ["mov a+", "mov a+,b", "mov -", "mov a*)", "mov ~,a"],
    "an operator lacks its left side": ["mov *a", "mov a,/b", ".word &1", "mov (*a)", "mov |"],
    "a parenthesis is not closed": ["mov (a", "mov (a,b", "mov ((a)", ".word (1", "mov (a b",
        "mov (", "mov ((", "mov a,("],
    "a parenthesis closes what was not opened": ["mov a)", ".word 1)", "mov a,b)"],
    "these parentheses are empty": ["mov ()"],
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


@dataclass(frozen=True)
class Syntax:
    """The syntax of a language.

    `grammar` names the file that completes `grammar.lark`. `builder` makes statements from its
    trees. `prepare` removes what spans several lines and leaves every other character in its place.
    `sentences` maps the sentences of syntax errors that only this syntax has to wrong lines.
    """

    grammar: str
    builder: type[Builder] = Builder
    prepare: Callable[[Source], str] = lambda source: source.text
    sentences: dict[str, list[str]] = field(default_factory=dict, hash=False)


PLAIN = Syntax("plain.lark")
"""Comments from `;` or `#`, operands that are expressions."""


def parse(source: Source, syntax: Syntax = PLAIN) -> tuple[Program, list[Diagnostic]]:
    """The statements of a source, and all its syntax errors."""
    statements: list[Statement] = []
    errors: list[Diagnostic] = []
    offset = 0
    try:
        text = syntax.prepare(source)
    except LoopedError as error:
        return Program(()), list(error.diagnostics)
    for line in text.split("\n"):
        if line and not line.isspace():
            try:
                statements += _parse_line(line, source, offset, syntax)
            except LoopedError as error:
                errors += error.diagnostics
                if len(errors) >= _MOST_ERRORS:
                    break
        offset += len(line) + 1
    return Program(tuple(statements)), errors


def _parse_line(line: str, source: Source, offset: int, syntax: Syntax) -> list[Statement]:
    try:
        tree = _lark(syntax.grammar).parse(line)
        result: list[Statement] = syntax.builder(source, offset).transform(tree)
        return result
    except VisitError as error:
        if isinstance(error.orig_exc, LoopedError):
            raise error.orig_exc from None
        raise
    except UnexpectedInput as error:
        raise _syntax_error(error, line, source, offset, syntax) from None
    except RecursionError:
        span = Span(source, offset, offset + len(line))
        raise LoopedError("this line is nested too deeply", span) from None


@cache
def _lark(grammar: str) -> Lark:
    folder = Path(__file__).parent
    text = (folder / "grammar.lark").read_text() + (folder / grammar).read_text()
    return Lark(text, parser="lalr")


def _syntax_error(
    error: UnexpectedInput, line: str, source: Source, offset: int, syntax: Syntax
) -> LoopedError:
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
    sentences = _sentences(syntax)
    found = [sentences[key] for key in _keys(error) if key in sentences]
    return LoopedError(found[0] if found else "this does not belong here", span)


@cache
def _sentences(syntax: Syntax) -> dict[_Key, str]:
    """The sentence for each parser state in which one of the wrong lines fails."""
    result: dict[_Key, str] = {}
    for sentence, lines in {**_SENTENCES, **syntax.sentences}.items():
        for line in lines:
            try:
                _lark(syntax.grammar).parse(line)
            except UnexpectedInput as error:
                for key in _keys(error):
                    result.setdefault(key, sentence)
    return result


def _keys(error: UnexpectedInput) -> list[_Key]:
    """Keys that lines with the same mistake share, the most specific first: the state of the
    parser, the tokens that it accepts, and the token that it got."""
    if not isinstance(error, UnexpectedToken):
        return []
    place = error.interactive_parser.parser_state.position, frozenset(error.accepts)
    return [(*place, error.token.type), (*place, None)]


def _bad_character(line: str, start: int, span: Span) -> tuple[str, Span, str | None]:
    character = line[start]
    if character == '"':
        return "this text has no closing quote", span, 'text is written "like this"'
    if character == "'":
        return "this is not a character", span, r"one character or escape: 'A', '\n', '\x41'"
    shown = character if character.isprintable() else f"\\x{ord(character):02x}"
    return f"`{shown}` has no meaning here", span, None
