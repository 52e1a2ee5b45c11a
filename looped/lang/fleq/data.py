"""Directives that define matrices and constants: what stands in memory before the first step."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from looped.errors import Diagnostic, LoopedError
from looped.image import Location
from looped.lang.fleq.names import Matrix, Names, shown
from looped.lang.fleq.nodes import Directive, Name, Number, Row, Shape, Statement
from looped.lang.fleq.settings import SETTINGS, Settings
from looped.lang.language import MOST_WORDS

__all__ = ["read_data"]

_USAGE = {
    ".matrix": ".matrix NAME 2x3 1 2 3 4 5 6",
    ".scalar": ".scalar NAME 1.5",
    ".zeros": ".zeros NAME 2x3",
    ".eye": ".eye NAME 4x4 or .eye NAME 4x4 VALUE",
    ".random": ".random NAME 2x3 SEED or .random NAME 2x3 SEED SCALE",
    ".equ": ".equ NAME 1.5",
}

_MASK = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class _Values:
    """The values of a directive, and of the lines of numbers that continue it."""

    directive: Directive
    rows: tuple[Row, ...]


def read_data(
    statements: Sequence[Statement], settings: Settings, names: Names, errors: list[Diagnostic]
) -> None:
    """Define every constant, then every matrix in `names`; errors are added to `errors`."""
    reader = _Reader(settings, names)
    collected = list(_collected(statements, errors))
    for found in sorted(collected, key=lambda values: values.directive.name.name != ".equ"):
        try:
            reader.read(found)
        except LoopedError as error:
            errors += error.diagnostics


def _collected(statements: Sequence[Statement], errors: list[Diagnostic]) -> Iterator[_Values]:
    """Every directive, with its continuing lines."""
    at = 0
    while at < len(statements):
        statement, at = statements[at], at + 1
        if isinstance(statement, Row):
            hint = "a row of numbers continues the .matrix above it"
            errors.append(Diagnostic("these numbers belong to no matrix", statement.span, hint))
        if not isinstance(statement, Directive):
            continue
        rows = []
        while statement.name.name == ".matrix" and at < len(statements):
            row = statements[at]
            if not isinstance(row, Row):
                break
            rows.append(row)
            at += 1
        if statement.name.name not in SETTINGS:
            yield _Values(statement, tuple(rows))


@dataclass
class _Reader:
    """Turns directives into matrices and constants."""

    settings: Settings
    names: Names

    def read(self, found: _Values) -> None:
        """Define what a directive names. Raises LoopedError."""
        directive = found.directive
        kind = directive.name.name
        if kind not in _USAGE:
            hint = f"directives: {' '.join([*_USAGE, *SETTINGS])}"
            raise LoopedError(f"no directive named `{kind}`", directive.name.span, hint)
        match directive.items:
            case (Name() as name, *items):
                pass
            case _:
                raise self._misused(directive)
        self.names.define(name)
        if kind == ".equ":
            self.names.constants[name.name] = self._single(directive, items)
            return
        shape = Shape(1, 1, name.span)
        if kind != ".scalar":
            match items:
                case [Shape() as shape, *items]:
                    pass
                case _:
                    raise self._misused(directive)
        self._check_shape(name, shape)
        zeros = _filled((shape.rows, shape.cols), lambda i, j: 0)
        lines = (_line(name),) * shape.rows
        matrices = self.names.matrices
        matrices[name.name] = Matrix(name.name, zeros, lines, name.span)  # if the rest is wrong
        words, lines = self._contents(found, name, shape, items)
        matrices[name.name] = Matrix(name.name, words, lines, name.span)

    def _contents(
        self, found: _Values, name: Name, shape: Shape, items: Sequence[Number | Name | Shape]
    ) -> tuple[tuple[tuple[int, ...], ...], tuple[Location, ...]]:
        """The words of a matrix by rows, and the line of each row."""
        directive = found.directive
        size = shape.rows, shape.cols
        home = _line(name)
        match directive.name.name:
            case ".matrix":
                values = [*items, *(value for row in found.rows for value in row.values)]
                return self._listed(name, shape, values)
            case ".scalar":
                value = self._single(directive, items)
                return ((self.settings.word(value, items[0].span),),), (home,)
            case ".zeros":
                if items:
                    raise self._misused(directive)
                return _filled(size, lambda i, j: 0), (home,) * shape.rows
            case ".eye":
                if shape.rows != shape.cols:
                    raise LoopedError(f"an identity is square, not {shown(size)}", shape.span)
                one = self._scale(directive, items)
                return _filled(size, lambda i, j: one if i == j else 0), (home,) * shape.rows
            case _:
                return self._random(directive, shape, items), (home,) * shape.rows

    def _listed(
        self, name: Name, shape: Shape, items: Sequence[Number | Name | Shape]
    ) -> tuple[tuple[tuple[int, ...], ...], tuple[Location, ...]]:
        values = [item for item in items if not isinstance(item, Shape)]
        for item in items:
            if isinstance(item, Shape):
                raise LoopedError("a shape stands where a number is needed", item.span)
        wanted = shape.rows * shape.cols
        if len(values) != wanted:
            size = shown((shape.rows, shape.cols))
            message = f"`{name.name}` is {size}: it takes {wanted} numbers, not {len(values)}"
            hint = None if values else f"a matrix of zeros: .zeros {name.name} {size}"
            raise LoopedError(message, name.span, hint)
        words = [self.settings.word(self.names.value(v), v.span) for v in values]
        starts = range(0, wanted, shape.cols)
        rows = tuple(tuple(words[start : start + shape.cols]) for start in starts)
        return rows, tuple(_line(values[start]) for start in starts)

    def _random(
        self, directive: Directive, shape: Shape, items: Sequence[Number | Name | Shape]
    ) -> tuple[tuple[int, ...], ...]:
        """Uniform in [-scale, scale): the high 32 bits of SplitMix64, by rows."""
        if not items or isinstance(items[0], Shape):
            raise self._misused(directive)
        state = self.names.whole(items[0])
        scale = self._scale(directive, items[1:])

        def draw(i: int, j: int) -> int:
            nonlocal state
            state, number = _split_mix(state)
            return (scale * ((number >> 32) - (1 << 31)) + (1 << 30)) >> 31

        return _filled((shape.rows, shape.cols), draw)

    def _scale(self, directive: Directive, items: Sequence[Number | Name | Shape]) -> int:
        """A last, optional value as a word; 1 if it is left out."""
        if not items:
            return self.settings.word(Fraction(1), directive.name.span)
        return self.settings.word(self._single(directive, items), items[0].span)

    def _single(self, directive: Directive, items: Sequence[Number | Name | Shape]) -> Fraction:
        match items:
            case [Number() | Name() as item]:
                return self.names.value(item)
            case _:
                raise self._misused(directive)

    def _check_shape(self, name: Name, shape: Shape) -> None:
        side, size = self.settings.side, shown((shape.rows, shape.cols))
        if shape.cols > side:
            message = f"`{name.name}` is {size}: a row has at most {side} columns"
            raise LoopedError(message, shape.span, f"rows lie {side} words apart: see .side")
        if shape.rows * side > MOST_WORDS:
            message = f"the program is longer than {MOST_WORDS:,} words"
            raise LoopedError(message, shape.span)

    def _misused(self, directive: Directive) -> LoopedError:
        kind = directive.name.name
        return LoopedError(f"this is not how {kind} is used", directive.name.span, _USAGE[kind])


def _filled(size: tuple[int, int], value: Callable[[int, int], int]) -> tuple[tuple[int, ...], ...]:
    rows, cols = size
    return tuple(tuple(value(i, j) for j in range(cols)) for i in range(rows))


def _line(node: Name | Number) -> Location:
    return Location(node.span.source.name, node.span.line)


def _split_mix(state: int) -> tuple[int, int]:
    """The next state and the next number of SplitMix64 (Steele, Lea, Flood 2014)."""
    state = state + 0x9E3779B97F4A7C15 & _MASK
    z = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 & _MASK
    z = (z ^ z >> 27) * 0x94D049BB133111EB & _MASK
    return state, z ^ z >> 31
