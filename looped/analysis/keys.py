"""Keys as codes: which column answers a query, and by which margin.

Over some columns, a score dimension is a *code* dimension if its magnitude is the same in each of
them. Columns that agree in the other dimensions are a *group*; within it the signs of the code
dimensions are the address of a column. For a query q, the columns of a group with the constants k
score at most

    Σ_code |q_d|·M_d + Σ_other q_d·k_d,

which the column reaches whose signs are those of q. All others score lower by 2·min |q_d|·M_d at
least.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from looped.analysis.classes import row_classes
from looped.analysis.grid import Floats, Ints
from looped.errors import CompileError

__all__ = ["NOBODY", "SEVERAL", "Answers", "KeyCodes", "KeyGroup", "key_codes", "sign_codes"]

NOBODY, SEVERAL = -1, -2
"""Entries of a table for a code that no column has, and for one that several columns share."""

_MOST_GROUPS = 64
"""Each group has a table of its own and is tried for each query. The machines have 3: memory, the
CPU, the input."""


@dataclass(frozen=True, slots=True)
class Answers:
    """For each of m queries: the column that scores highest, its score, and a bound on the rest.

    `column` is NOBODY, and `best` minus infinity, where no column is sure to be above all others.
    """

    column: Ints
    best: Floats
    rest: Floats


@dataclass(frozen=True, slots=True)
class KeyGroup:
    """Columns `members` that agree in all dimensions but the code dimensions.

    `constant` (dims,) is what they agree in, zero in the code dimensions. `table` leads from a code
    to its column, to NOBODY or to SEVERAL.
    """

    constant: Floats
    members: Ints
    table: Ints


@dataclass(frozen=True, slots=True)
class KeyCodes:
    """The keys of some columns, indexed by their codes.

    `magnitude` (dims,) is zero in all dimensions but the code dimensions, which `coded` marks. Bit
    i of a code is the sign in the i-th code dimension, 1 for +.
    """

    coded: npt.NDArray[np.bool_]
    magnitude: Floats
    groups: tuple[KeyGroup, ...]

    def answer(self, queries: Floats) -> Answers:
        """Look up queries (m, dims)."""
        m = len(queries)
        column = np.full(m, NOBODY, np.int64)
        best, rest = np.full(m, -np.inf), np.full(m, -np.inf)
        coded = np.abs(queries[:, self.coded]) * self.magnitude[self.coded]
        step = 2 * coded.min(axis=1, initial=np.inf)
        codes = sign_codes(queries[:, self.coded])
        for group in self.groups:
            bound = coded.sum(axis=1) + queries @ group.constant
            found = group.table[codes]
            hit = found >= 0
            others = np.where(hit & (len(group.members) == 1), -np.inf, bound - step)
            rest = np.maximum(rest, np.where(found == SEVERAL, bound, others))
            better = hit & (bound > best)
            rest = np.maximum(rest, np.where(better, best, np.where(hit, bound, -np.inf)))
            column = np.where(better, found, column)
            best = np.where(better, bound, best)
        return Answers(column, best, rest)


def key_codes(keys: Floats, columns: Ints, most_bits: int) -> KeyCodes:
    """Index the keys (all columns, dims) of some columns.

    Raises CompileError if a table would take more than `most_bits` bits of code, or there are too
    many groups.
    """
    own = keys[columns]
    sizes = np.abs(own)
    coded = (sizes == sizes[0]).all(axis=0) & (sizes[0] > 0)
    bits = int(coded.sum())
    if bits > most_bits:
        raise CompileError(f"the keys of a head are codes of {bits} bits: at most {most_bits} fit")
    classes = row_classes(own[:, ~coded], _MOST_GROUPS)
    if classes is None:
        raise CompileError(f"the keys of a head fall into more than {_MOST_GROUPS} groups")
    codes = sign_codes(own[:, coded])
    groups = []
    for inside in classes:
        constant = np.where(coded, 0.0, own[inside[0]])
        groups.append(
            KeyGroup(constant, columns[inside], _table(codes[inside], columns[inside], bits))
        )
    return KeyCodes(coded, np.where(coded, sizes[0], 0.0), tuple(groups))


def _table(codes: Ints, members: Ints, bits: int) -> Ints:
    table = np.full(1 << bits, NOBODY, np.int64)
    table[codes] = members
    found, counts = np.unique(codes, return_counts=True)
    table[found[counts > 1]] = SEVERAL
    return table


def sign_codes(values: Floats) -> Ints:
    """The signs of (m, bits) as numbers (m,), the first bit least significant."""
    weights = np.left_shift(np.int64(1), np.arange(values.shape[1]))
    codes: Ints = ((values > 0) * weights).sum(axis=1)
    return codes
