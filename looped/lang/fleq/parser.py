"""Text to statements; syntax errors as sentences.

Lines are parsed one by one, so that one bad line hides no other.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from lark import Lark, Token, UnexpectedInput
from lark.exceptions import UnexpectedCharacters, UnexpectedToken, VisitError

from looped.errors import Diagnostic, LoopedError, Source, Span
from looped.lang.fleq.nodes import Statement
from looped.lang.fleq.trees import Builder

__all__ = ["parse"]

_Key = tuple[int, frozenset[str], str | None]

_MOST_ERRORS = 100
"""Syntax errors reported of one file; to make a sentence of each takes a while."""

_SENTENCES = {
    "an operand is missing": ["add a, -> c", "add a,", "add ,a -> c", "add , -> c", "jle x,",
        "add a,,b -> c"],
    "a result is missing after `->`": ["add a, b ->", "copy a -> ,", "copy a -> ->"],
    "a comma is missing between two operands": ["add a b -> c", "add a 1 -> c", "add 1 a -> c",
        "add a' b -> c", "add a[0] b -> c", "add a' 1 -> c", "jle x loop", "add a[1] 2 -> c"],
    "a result is one matrix": ["copy a -> b, c", "copy a -> b c", "copy a -> b 1",
        "copy a -> b -> c", "copy a -> b' c", "copy a -> b[0] c"],
    "a branch reads `if x <= 0 goto label`": ["copy a -> b if", "copy a -> b if k",
        "copy a -> b if k goto l", "copy a -> b if k <=", "copy a -> b if k <= x",
        "copy a -> b if k <= 0", "copy a -> b if k <= 0 goto", "copy a -> b if k <= 0 l",
        "copy a -> b if k <= 0 goto 1", "copy a -> b if k -> 0", "copy a -> b if -> 0"],
    "a bracket is not closed": ["copy a[0 -> b", "copy a[0", "copy a[0:2 -> b", "copy a[",
        "copy a[0,1 -> b", "copy a[* -> b", "copy a[0, -> b", "copy a[:", "copy a[0,1,2] -> b",
        "copy a[x -> b", "copy a[: -> b"],
    "an index is missing between the brackets": ["copy a[] -> b", "copy a[,0] -> b",
        "copy a[0,] -> b"],
    "an index is `i`, `i:j`, `:` or `*`": ["copy a[0 1] -> b", "copy a[0::1] -> b",
        "copy a['] -> b", "copy a[0*] -> b", "copy a[*0] -> b", "copy a[x y] -> b"],
    "a bracket closes what was not opened": ["copy a] -> b", "copy a -> b]", "copy 1] -> b"],
    "a number has no index and no transpose": ["copy 1' -> b", "copy 1[0] -> b", "copy a -> 1'"],
    "a statement begins with a label, a mnemonic, a directive or a number": ["->", ", a", "[",
        "]", "'", "*", "<=", ": a", "a: ->", "a: : b", "a: ,"],
    "values are numbers or names": [".matrix a 2x2 ->", ".matrix a 2x2 [", ".matrix a *",
        ".matrix a, ,", ".matrix a 1 '", ".matrix a:", ".matrix .zeros", ".matrix 1,",
        ".matrix ,", ".matrix ->"],
    "a row is a line of numbers": ["1 a", "1, a", "1 ->", "1 [", "1 '", "1,", "1 :", "1 <= 0"],
    "a colon stands where none belongs": ["copy a: b", "copy a -> b:", "add a:", "jmp 1:"],
    "a directive stands where an operand is needed": ["copy .zeros", "add a, .zeros", "a .zeros",
        "copy a -> .zeros", "add a .zeros"],
}  # fmt: skip


def parse(source: Source) -> tuple[list[Statement], list[Diagnostic]]:
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
                if len(errors) >= _MOST_ERRORS:
                    break
        offset += len(line) + 1
    return statements, errors


def _parse_line(line: str, source: Source, offset: int) -> list[Statement]:
    try:
        tree = _lark().parse(line)
        result: list[Statement] = Builder(source, offset).transform(tree)
        return result
    except VisitError as error:
        if isinstance(error.orig_exc, LoopedError):
            raise error.orig_exc from None
        raise
    except UnexpectedInput as error:
        raise _syntax_error(error, line, source, offset) from None


@cache
def _lark() -> Lark:
    grammar = (Path(__file__).parent / "grammar.lark").read_text()
    return Lark(grammar, parser="lalr", propagate_positions=True)


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
        character = line[start]
        shown = character if character.isprintable() else f"\\x{ord(character):02x}"
        return LoopedError(f"`{shown}` has no meaning here", span)
    found = [_sentences()[key] for key in _keys(error) if key in _sentences()]
    return LoopedError(found[0] if found else "this does not belong here", span)


@cache
def _sentences() -> dict[_Key, str]:
    """A sentence for each way in which one of the wrong lines goes wrong."""
    result: dict[_Key, str] = {}
    for sentence, lines in _SENTENCES.items():
        for line in lines:
            try:
                _lark().parse(line)
            except UnexpectedInput as error:
                for key in _keys(error):
                    result.setdefault(key, sentence)
    return result


def _keys(error: UnexpectedInput) -> list[_Key]:
    """What lines that go wrong in the same way have in common, the closest likeness first: the
    state of the parser, the tokens that it would accept, and the token that it found."""
    if not isinstance(error, UnexpectedToken):
        return []
    place = error.interactive_parser.parser_state.position, frozenset(error.accepts)
    return [(*place, error.token.type), (*place, None)]
