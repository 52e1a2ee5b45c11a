"""Operands to views: which words of which matrix, in which shape, read transposed or not."""

from __future__ import annotations

from dataclasses import dataclass, replace

from looped.errors import LoopedError, Span
from looped.lang.fleq.names import Matrix, Names, shown
from looped.lang.fleq.nodes import Current, Name, Number, Operand, Part, Place, Single, Slice
from looped.lang.fleq.settings import Settings

__all__ = ["View", "resolve"]


@dataclass(frozen=True, slots=True)
class View:
    """A part of a matrix, or a constant (`matrix` is None, `word` its value).

    `offset` counts words from the beginning of the matrix. `stored` is the shape as it lies in
    memory. A `step` that is not None belongs to a pointer: `next` moves the address by as many
    words.
    """

    operand: Operand
    matrix: Matrix | None
    stored: tuple[int, int] = (1, 1)
    offset: int = 0
    transposed: bool = False
    step: int | None = None
    word: int = 0

    @property
    def shape(self) -> tuple[int, int]:
        """The shape as the instruction sees it."""
        rows, cols = self.stored
        return (cols, rows) if self.transposed else (rows, cols)

    @property
    def span(self) -> Span:
        """Where the operand stands."""
        return self.operand.span

    def __str__(self) -> str:
        return f"`{self.operand.text}` ({shown(self.shape)})"

    @property
    def origin(self) -> str:
        """Where its matrix is declared, for a hint."""
        if self.matrix is None:
            return f"`{self.operand.text}` is a constant"
        return f"`{self.matrix.name}` is declared at {self.matrix.span}"


def resolve(operand: Operand, names: Names, settings: Settings) -> View:
    """The view of an operand. Raises LoopedError for unknown names and indices out of range."""
    if isinstance(operand, Number):
        return View(operand, None, word=settings.word(operand.value, operand.span))
    if operand.name.name in names.constants:
        if operand.parts or operand.transposed:
            message = f"`{operand.name.name}` is a constant: it has no index and no transpose"
            raise LoopedError(message, operand.span)
        word = settings.word(names.constants[operand.name.name], operand.span)
        return View(operand, None, word=word)
    matrix = names.matrix(operand.name)
    view = _part(View(operand, matrix, matrix.shape), operand, matrix, names, settings)
    for size in view.stored:
        if size > settings.side:
            message = f"{view} is too large: at most {settings.side} rows and columns"
            raise LoopedError(message, operand.span, f"take a part: {matrix.name}[0:2]")
    return replace(view, transposed=operand.transposed)


def _part(view: View, place: Place, matrix: Matrix, names: Names, settings: Settings) -> View:
    rows, cols = matrix.shape
    row_part: Part | None
    col_part: Part | None
    match place.parts:
        case ():
            return view
        case (part,) if rows == 1:  # elements of a row
            row_part, col_part = None, part
        case (part,):
            row_part, col_part = part, None
        case (row_part, col_part):
            pass
        case _:
            raise AssertionError(place.parts)
    row = _range(row_part, rows, "row", matrix, names)
    col = _range(col_part, cols, "column", matrix, names)
    step = None
    if isinstance(col_part, Current):
        step = 1
    if isinstance(row_part, Current):
        if step is not None:
            raise LoopedError("a pointer moves by rows or by columns, not both", place.span)
        step = settings.side
    offset = row.start * settings.side + col.start
    return replace(view, stored=(len(row), len(col)), offset=offset, step=step)


def _range(part: Part | None, size: int, kind: str, matrix: Matrix, names: Names) -> range:
    """The rows or columns that an index names, of `size`."""
    match part:
        case None:
            return range(size)
        case Current():
            return range(1)
        case Single(index=index):
            at = _bound(index, size - 1, kind, matrix, names)
            return range(at, at + 1)
        case Slice(lower=lower, upper=upper):
            first = 0 if lower is None else _bound(lower, size, kind, matrix, names)
            last = size if upper is None else _bound(upper, size, kind, matrix, names)
            if first >= last:
                raise LoopedError(f"this slice has no {kind}s", part.span, "from i to before j")
            return range(first, last)


def _bound(index: Number | Name, most: int, kind: str, matrix: Matrix, names: Names) -> int:
    at = names.whole(index)
    if not 0 <= at <= most:
        size = shown(matrix.shape)
        message = f"`{matrix.name}` is {size}: it has no {kind} {at}"
        raise LoopedError(message, index.span, f"declared at {matrix.span}; counted from 0")
    return at
