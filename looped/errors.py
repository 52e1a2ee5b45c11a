"""Source, Span, and LoopedError with its subclasses, all rendered with a caret."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from dataclasses import dataclass, field

__all__ = [
    "CertificateError",
    "ClusterError",
    "CompileError",
    "Diagnostic",
    "FileError",
    "InterruptionError",
    "LoopedError",
    "MismatchError",
    "OutputLimitError",
    "ProofError",
    "Source",
    "SourceError",
    "Span",
    "StepLimitError",
    "TimeLimitError",
    "TrapError",
]

_SHOWN_COLUMNS = 100


@dataclass(frozen=True)
class Source:
    """A text and its name for the user (a path, or `<stdin>`)."""

    name: str
    text: str
    _starts: list[int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        starts = [0]
        position = self.text.find("\n")
        while position >= 0:
            starts.append(position + 1)
            position = self.text.find("\n", position + 1)
        object.__setattr__(self, "_starts", starts)

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column, both counted from one, of a character offset."""
        line = bisect.bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

    def line(self, number: int) -> str:
        """The text of a line, counted from one, without its line ending."""
        start = self._starts[number - 1]
        end = self._starts[number] if number < len(self._starts) else len(self.text)
        return self.text[start:end].rstrip("\r\n")


@dataclass(frozen=True, slots=True)
class Span:
    """Characters `start` (included) to `end` (excluded) of a source."""

    source: Source
    start: int
    end: int

    @property
    def line(self) -> int:
        """The line on which the span begins, counted from one."""
        return self.source.position(self.start)[0]

    @property
    def column(self) -> int:
        """The column at which the span begins, counted from one."""
        return self.source.position(self.start)[1]

    def __str__(self) -> str:
        line, column = self.source.position(self.start)
        return f"{self.source.name}:{line}:{column}"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One error: what is wrong, where, and what to do about it."""

    message: str
    span: Span | None = None
    hint: str | None = None

    def render(self) -> str:
        """The message for the user: place, line, caret, hint."""
        if self.span is None:
            lines = [_printable(f"error: {self.message}")]
        else:
            lines = [_printable(f"{self.span}: error: {self.message}"), *_excerpt(self.span)]
        if self.hint is not None:
            lines.append(_printable(f"hint: {self.hint}"))
        return "\n".join(lines)


def _printable(text: str) -> str:
    """The text on one line, with escapes for unprintable characters."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def _excerpt(span: Span) -> list[str]:
    """The source line, and carets under the span; of a long line only the part around the span."""
    line, column = span.source.position(span.start)
    text = span.source.line(line)
    first = max(0, column - 1 - _SHOWN_COLUMNS // 2) if len(text) > _SHOWN_COLUMNS else 0
    shown = "".join(c if c.isprintable() else " " for c in text[first : first + _SHOWN_COLUMNS])
    offset = column - 1 - first
    width = max(1, min(span.end - span.start, len(shown) - offset))
    gutter = f"{line:>5} | "
    return [f"{gutter}{shown}", " " * (len(gutter) - 2) + "| " + " " * offset + "^" * width]


class LoopedError(Exception):
    """An error that a user or a file can cause. Only `looped.cli` prints it and exits."""

    exit_code = 1

    def __init__(self, message: str, span: Span | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.diagnostics: tuple[Diagnostic, ...] = (Diagnostic(message, span, hint),)

    def render(self) -> str:
        """All diagnostics, separated by blank lines."""
        return "\n\n".join(diagnostic.render() for diagnostic in self.diagnostics)


class MismatchError(LoopedError):
    """The transformer and the reference differ."""

    exit_code = 1


class SourceError(LoopedError):
    """An assembly source has errors; `diagnostics` are all of them, in the order of the text."""

    exit_code = 3

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        super().__init__(diagnostics[0].message)
        self.diagnostics = tuple(diagnostics)

    def __reduce__(self) -> tuple[type[SourceError], tuple[tuple[Diagnostic, ...]]]:
        """Pickle by the diagnostics, to pass between processes."""
        return type(self), (self.diagnostics,)


class FileError(LoopedError):
    """A file cannot be read or written, or has the wrong format."""

    exit_code = 4


class CompileError(LoopedError):
    """A machine, a width, a memory or a program cannot be compiled to weights."""

    exit_code = 5


class StepLimitError(LoopedError):
    """A program did not halt within its step limit."""

    exit_code = 6


class TimeLimitError(LoopedError):
    """A program did not halt within its time limit."""

    exit_code = 9


class OutputLimitError(LoopedError):
    """A program wrote more output than its limit."""

    exit_code = 10


class InterruptionError(LoopedError):
    """A signal interrupted a program; the exit code is 128 plus its number, as in a shell."""

    def __init__(self, message: str, number: int, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.exit_code = 128 + number


class TrapError(LoopedError):
    """A program raised a trap that no handler serves."""

    exit_code = 7


class CertificateError(LoopedError):
    """A machine is not certified in the dtype."""

    exit_code = 8


class ProofError(LoopedError):
    """A circuit is not proved equal to the reference."""

    exit_code = 8


class ClusterError(LoopedError):
    """There is no cluster, or it failed."""

    exit_code = 11
