"""Statements as text, with the origin of each part: a file, a macro, an argument.

Comments are `# …`, `// …` and `/* … */`; a semicolon or the end of the line ends a statement.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from operator import attrgetter

from looped.errors import LoopedError, Source, Span

__all__ = ["Line", "Piece", "separated", "statements"]

_start = attrgetter("start")

_QUOTED = r'"(?:\\.|[^"\\\n])*"|\'(?:\\[^\n]|[^\\\n])\'?'
_LEXEMES = re.compile(rf"{_QUOTED}|#[^\n]*|//[^\n]*|/\*(?:.*?\*/|.*)", re.DOTALL)
"""What a comment's beginning may stand in, and comments."""

_STATEMENT = re.compile(rf"(?:{_QUOTED}|[^;])+")
_PREPROCESSOR = re.compile(r"^#[ \t]*(?:define|include|if|ifdef|ifndef|undef)\b", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Piece:
    """The text from `start` on comes from `span`; letter by letter if both have the same length."""

    start: int
    span: Span


@dataclass(frozen=True, slots=True)
class Line:
    """The text of a statement, and the origin of each piece, in the order of the text."""

    text: str
    pieces: tuple[Piece, ...]

    def span(self, start: int, end: int) -> Span:
        """The span of the characters `start` to `end`, or of the first part of them."""
        number = bisect_right(self.pieces, start, key=_start) - 1
        piece, stop = self._piece(max(0, number))
        length = piece.span.end - piece.span.start
        if length != stop - piece.start:
            return piece.span
        offset = piece.span.start - piece.start
        last = end if stop == len(self.text) else min(end, stop)
        return Span(piece.span.source, offset + start, offset + max(last, start))

    def part(self, start: int, end: int) -> Line:
        """The characters `start` to `end`."""
        first = max(0, bisect_right(self.pieces, start, key=_start) - 1)
        pieces: list[Piece] = []
        for number in range(first, len(self.pieces)):
            piece, stop = self._piece(number)
            if piece.start >= end and pieces:
                break
            at = max(start, piece.start)
            pieces.append(Piece(at - start, self.span(at, min(end, stop))))
        return Line(self.text[start:end], tuple(pieces))

    def stripped(self) -> Line:
        """The line without blanks at its ends."""
        text = self.text
        start = len(text) - len(text.lstrip())
        return self.part(start, max(start, len(text.rstrip())))

    @staticmethod
    def joined(parts: Iterable[Line]) -> Line:
        """One line of several."""
        texts: list[str] = []
        pieces: list[Piece] = []
        length = 0
        for part in parts:
            if part.text:
                texts.append(part.text)
                pieces += [Piece(length + piece.start, piece.span) for piece in part.pieces]
                length += len(part.text)
        return Line("".join(texts), tuple(pieces))

    def standing_for(self, text: str) -> Line:
        """Another text with the origin of this one."""
        return Line(text, (Piece(0, self.span(0, len(self.text))),))

    def _piece(self, number: int) -> tuple[Piece, int]:
        """A piece, and where it ends."""
        following = number + 1 < len(self.pieces)
        return self.pieces[number], self.pieces[number + 1].start if following else len(self.text)


def statements(source: Source) -> list[Line]:
    """The statements of a source, without empty ones.

    Raises LoopedError for a comment without an end, and in a `.S` file for a line of the C
    preprocessor, which would otherwise be a comment.
    """
    result, offset = [], 0
    for line in _without_comments(source).split("\n"):
        for start, end in _between_semicolons(line):
            if not line[start:end].isspace():
                span = Span(source, offset + start, offset + end)
                result.append(Line(line[start:end], (Piece(0, span),)))
        offset += len(line) + 1
    return result


def separated(line: Line) -> list[Line]:
    """The statements of a line."""
    if ";" not in line.text:
        return [line]
    return [line.part(*places) for places in _between_semicolons(line.text)]


def _between_semicolons(line: str) -> Iterator[tuple[int, int]]:
    if ";" not in line:
        if line:
            yield 0, len(line)
        return
    for match in _STATEMENT.finditer(line):
        yield match.span()


def _without_comments(source: Source) -> str:
    """The text with spaces for comments."""
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
