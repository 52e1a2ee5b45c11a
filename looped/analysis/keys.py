"""Which column answers a query, for all queries at once, by the codes of the keys.

Over the columns whose keys are fixed, a score dimension is a *code* dimension if its magnitude is
the same in each of them. Columns that agree in the other dimensions are a *group*; within it, a
query scores highest where all signs of the code dimensions are its own, and lower by at least
2·min |q_d|·|k_d| everywhere else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from looped.errors import CompileError

if TYPE_CHECKING:
    from looped.engines.lifted.model import Floats, Ints

__all__ = ["NOBODY", "Answers", "Keys", "kinds", "sign_codes"]

NOBODY, _SEVERAL = -1, -2

_MOST_CODE_DIMS = 24
_MOST_KINDS = 64


@dataclass(frozen=True, slots=True)
class Answers:
    """For each of m queries: the column that scores highest, its score, and a bound on the rest.

    `column` is NOBODY, and `best` minus infinity, where no column is sure to be above all others.
    """

    column: Ints
    best: Floats
    rest: Floats


class Keys:
    """The fixed keys (columns, dims) of the columns `members`, indexed by their codes."""

    def __init__(self, keys: Floats, members: Ints) -> None:
        own = keys[members]
        sizes = np.abs(own)
        self.coded = (sizes == sizes[0]).all(axis=0) & (sizes[0] > 0)
        self.sizes = sizes[0][self.coded]
        if self.coded.sum() > _MOST_CODE_DIMS:
            raise CompileError("the keys of a head are no codes: it cannot be lifted")
        codes = sign_codes(own[:, self.coded])
        self.constants: list[Floats] = []
        self.tables: list[Ints] = []
        self.lonely: list[bool] = []
        for inside in kinds(own[:, ~self.coded]):
            table = np.full(1 << int(self.coded.sum()), NOBODY, np.int64)
            table[codes[inside]] = members[inside]
            found, counts = np.unique(codes[inside], return_counts=True)
            table[found[counts > 1]] = _SEVERAL
            self.constants.append(own[inside[0], ~self.coded])
            self.tables.append(table)
            self.lonely.append(len(inside) == 1)

    def answer(self, queries: Floats) -> Answers:
        """Look up fixed queries (m, dims)."""
        m = len(queries)
        column = np.full(m, NOBODY, np.int64)
        best, rest = np.full(m, -np.inf), np.full(m, -np.inf)
        coded = np.abs(queries[:, self.coded]) * self.sizes
        step = 2 * coded.min(axis=1, initial=np.inf)
        codes = sign_codes(queries[:, self.coded])
        groups = zip(self.constants, self.tables, self.lonely, strict=True)
        for constant, table, lonely in groups:
            bound = coded.sum(axis=1) + queries[:, ~self.coded] @ constant
            found = table[codes]
            hit = found >= 0
            others = np.where(hit & lonely, -np.inf, bound - step)
            rest = np.maximum(rest, np.where(found == _SEVERAL, bound, others))
            better = hit & (bound > best)
            rest = np.maximum(rest, np.where(better, best, np.where(hit, bound, -np.inf)))
            column = np.where(better, found, column)
            best = np.where(better, bound, best)
        return Answers(column, best, rest)


def sign_codes(values: Floats) -> Ints:
    """The signs of (m, bits) as numbers (m,), the first bit least significant."""
    weights = np.left_shift(np.int64(1), np.arange(values.shape[1]))
    codes: Ints = ((values > 0) * weights).sum(axis=1)
    return codes


def kinds(rows: npt.NDArray[np.generic]) -> list[Ints]:
    """The indices of equal rows, kind by kind. Raises CompileError if there are too many kinds."""
    found: list[Ints] = []
    pending = np.arange(len(rows))
    while pending.size:
        same = (rows[pending] == rows[pending[0]]).all(axis=1)
        found.append(pending[same])
        pending = pending[~same]
        if len(found) > _MOST_KINDS:
            raise CompileError("the columns are of too many kinds: it cannot be lifted")
    return found
