"""Layout: the columns that each row of known lanes stands for.

Words of memory are alike: what is known of one is known of all, except its position. So they share
a row. A position is a number in lanes that no matrix writes; a row has 0 there, as in a lane that
may change. In a head, positions are codes: each dimension reads one lane of them at most.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from looped.analysis.grid import Floats, Ints
from looped.analysis.keys import sign_codes
from looped.artefact.residual import Residual
from looped.engines.host_lanes import HostLanes
from looped.engines.lifted.model import Known
from looped.errors import CompileError

__all__ = ["EACH_COLUMN", "ITSELF", "Codes", "Layout", "known_rows"]

ITSELF = -3
"""The target of columns that share a row, if each attends to itself."""


class Codes(NamedTuple):
    """Dimensions of queries or keys of the alike columns. Dimension d has the lane `lane[d]` of a
    position times `factor[d]`, or `lane[d]` is -1 and it is a constant."""

    lane: Ints
    factor: Floats


@dataclass(frozen=True, eq=False)
class Layout:
    """Row 0 stands for the alike columns of a stream, which come first, and each other row for one
    column. Without a stream, each column has a row of its own."""

    stream: Residual | None = None

    @property
    def alike(self) -> int:
        """How many columns share row 0; 0 if each column has a row."""
        return 0 if self.stream is None else self.stream.alike

    @cached_property
    def counted(self) -> Ints:
        """The lanes of positions."""
        positions = () if self.stream is None else self.stream.positions
        return np.array(sorted({lane for own in positions for lane in own.lanes}), np.int64)

    @property
    def _shift(self) -> int:
        return self.alike - (self.alike > 0)

    def column(self, row: int) -> int:
        """The column of a row; ITSELF for that of the alike columns."""
        return ITSELF if self.alike and row == 0 else row + self._shift

    def columns(self, rows: int) -> Ints:
        """The columns of so many rows, ITSELF for that of the alike ones."""
        found = np.arange(rows) + self._shift
        if self.alike:
            found[0] = ITSELF
        return found

    def row(self, column: int) -> int:
        """The row of a column, or of ITSELF for the alike ones."""
        return max(column - self._shift, 0)

    def rows_of(self, columns: Ints) -> Ints:
        """The rows of some columns, each once."""
        if not self.alike:
            return np.unique(columns)
        rows = np.unique(columns[columns >= self.alike] - self._shift)
        return np.concatenate([[0], rows]) if (columns < self.alike).any() else rows

    def codes(self, matrix: Floats, known: Known) -> Codes:
        """The dimensions (dims, d_model) of alike columns with these known lanes.

        Raises CompileError if one depends on lanes that change, or mixes lanes.
        """
        lane, factor = np.full(len(matrix), -1, np.int64), np.zeros(len(matrix))
        for d, row in enumerate(matrix):
            free = np.flatnonzero((row != 0) & (known == 0))
            if len(free):
                if len(free) > 1 or free[0] not in self.counted or row @ known:
                    raise CompileError("the keys or queries of alike columns mix lanes or change")
                lane[d], factor[d] = free[0], row[free[0]]
        return Codes(lane, factor)

    def coded(
        self, rows: Ints, values: Floats, codes: Codes | None, dims: Sequence[int]
    ) -> tuple[Ints, Ints]:
        """The signs of some dimensions of `values` (all rows, dims) in the columns of some rows, as
        numbers, and these columns."""
        own = rows[rows > 0] if self.alike else rows
        numbers, columns = sign_codes(values[own][:, list(dims)]), own + self._shift
        if len(own) == len(rows):
            return numbers, columns
        assert codes is not None
        alike = np.full(self.alike, self._constant_signs(values[0], codes, dims), np.int64)
        for begin, end in _runs(codes.lane[list(dims)] >= 0):
            alike |= self._signs(codes, dims[begin:end]) << begin
        return np.concatenate([alike, numbers]), np.concatenate([np.arange(self.alike), columns])

    def _constant_signs(self, values: Floats, codes: Codes, dims: Sequence[int]) -> int:
        return sum(1 << bit for bit, d in enumerate(dims) if codes.lane[d] < 0 and values[d] > 0)

    def _signs(self, codes: Codes, dims: Sequence[int]) -> Ints:
        """The signs of dimensions that are lanes of positions, as numbers (alike,)."""
        assert self.stream is not None
        words = self.stream.words(codes.lane[list(dims)].tolist())[: self.alike]
        negative = sum(1 << bit for bit, d in enumerate(dims) if codes.factor[d] < 0)
        return words.astype(np.int64) ^ negative

    def expanded(self, known: Known) -> Known:
        """A row for each column, positions included."""
        if self.stream is None:
            return known
        whole = np.empty((len(known) + self._shift, known.shape[1]), np.int8)
        whole[: self.alike] = known[0]
        lanes = self.counted
        whole[: self.alike, lanes] = self.stream.lanes_of(lanes.tolist())[: self.alike]
        whole[self.alike :] = known[1:]
        return whole


EACH_COLUMN = Layout()


def known_rows(x: Residual, host: HostLanes) -> Known | None:
    """The known lanes (rows, d_model) of a stream whose host sets the lanes `host`.

    None if it has no alike columns, or if more differs in them than positions and `x.lanes`.
    """
    if not x.alike:
        return None
    known = np.concatenate([x.row[None], x.rest])
    known[0, x.lanes] = 0
    for counted in x.positions:
        known[0, list(counted.lanes)] = 0
    for column, mask in host.masks.items():
        if column >= x.alike:
            known[column - x.alike + 1, mask] = 0
        elif known[0, mask].any():
            return None
    return known


def _runs(marked: npt.NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """Where runs of True begin and end."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], marked, [False]]).astype(np.int8)))
    yield from zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)
