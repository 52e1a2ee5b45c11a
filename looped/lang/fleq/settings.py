"""The directives that hold for a whole program: machine, word format, row stride."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from looped.errors import CompileError, LoopedError, Span
from looped.isa.fleq import Format
from looped.lang.fleq.nodes import Directive, Name, Number, Statement

__all__ = ["SETTINGS", "SIDES", "WIDTHS", "Settings", "read_settings"]

SETTINGS = (".machine", ".width", ".fraction", ".side")

WIDTHS = (32, 64)
SIDES = (2, 4, 8, 16)


@dataclass(frozen=True, slots=True)
class Settings:
    """What a program and its machine agree on: the word format and the row stride, `side`."""

    format: Format
    side: int

    def word(self, value: Fraction, span: Span) -> int:
        """A real as a signed word, rounded half up. Raises LoopedError for one out of range."""
        scale = 1 << self.format.fraction
        word = (2 * value.numerator * scale + value.denominator) // (2 * value.denominator)
        if not self.format.lowest <= word <= self.format.highest:
            reach = 1 << self.format.width - 1 - self.format.fraction
            hint = f"{-reach} to {reach} - 2^-{self.format.fraction}"
            raise LoopedError(f"this number does not fit a {self.format} word", span, hint)
        return word


def read_settings(
    statements: Sequence[Statement],
    width: int | None,
    asked: bool,
    parameters: Mapping[str, int],
) -> Settings:
    """The settings of a program.

    A `width` that is not None overrides `.width`, and `parameters` (`side`, `fraction`) override
    the directives of these names. If the machine has been `asked` for, the source may name another.
    Raises LoopedError.
    """
    found: dict[str, tuple[int, Span | None] | None] = {
        name: _number(statements, name) for name in SETTINGS[1:]
    }
    found |= {f".{name}": (value, None) for name, value in parameters.items()}
    _check_machine(statements, asked)
    side, place = found[".side"] or (8, None)
    if side not in SIDES:
        raise LoopedError(f"fleq has no side of {side}", place, "sides: 2, 4, 8, 16")
    bits, place = found[".width"] or (32, None)
    bits = bits if width is None else width
    if bits not in WIDTHS:
        raise LoopedError(f"fleq has no {bits}-bit words", place, "widths: 32, 64")
    fraction, place = found[".fraction"] or (bits - 16, None)
    try:
        return Settings(Format(bits, fraction), side)
    except CompileError as error:
        diagnostic = error.diagnostics[0]
        raise LoopedError(diagnostic.message, place, diagnostic.hint) from None


def _number(statements: Sequence[Statement], name: str) -> tuple[int, Span] | None:
    """The last number that a directive gives, and where."""
    found = None
    for directive in _directives(statements, name):
        match directive.items:
            case (Number(value=value, span=span),) if value.denominator == 1:
                found = int(value), span
            case _:
                message = f"{name} needs one whole number"
                raise LoopedError(message, directive.name.span, f"{name} 16")
    return found


def _check_machine(statements: Sequence[Statement], asked: bool) -> None:
    for directive in _directives(statements, ".machine"):
        match directive.items:
            case (Name(name=name, span=span),):
                if name != "fleq" and not asked:
                    raise LoopedError("this source is for fleq already", span)
            case _:
                raise LoopedError(".machine needs a name", directive.name.span, ".machine fleq")


def _directives(statements: Sequence[Statement], name: str) -> list[Directive]:
    found = (s for s in statements if isinstance(s, Directive))
    return [directive for directive in found if directive.name.name == name]
