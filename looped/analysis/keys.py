"""Keys as codes: which column a query attends to, and by which margin.

A dimension of the keys of some columns is a *code* dimension if its magnitude M_d is the same and
not zero in all of them. Columns that agree in all other dimensions form a *group*; within a group
the signs of the code dimensions are a column's address. For a query q, a column of a group with the
constants k scores at most

    Σ_code |q_d|·M_d + Σ_other q_d·k_d.

The column whose signs are those of q reaches this bound. All others score lower by at least
2·min |q_d|·M_d.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from looped.analysis.classes import row_classes
from looped.analysis.grid import Floats, Ints
from looped.errors import CompileError

__all__ = [
    "NOBODY", "SEVERAL", "Answers", "KeyCodes", "KeyGroup", "code_table", "key_codes",
    "key_groups", "sign_codes",
]  # fmt: skip

NOBODY, SEVERAL = -1, -2
"""Table entries for a code that no column has, and for a code that several columns share."""

_MOST_GROUPS = 64
"""Each group has a table of its own, and each query looks into every table. The machines have 3
groups: memory, the CPU, the input."""


class Answers(NamedTuple):
    """For each of m queries: the column that scores highest, its score, and a bound on the rest.

    `column` is NOBODY, and `best` minus infinity, if no group has a column of its own at the
    query's code.
    """

    column: Ints
    best: Floats
    rest: Floats


@dataclass(frozen=True, slots=True)
class KeyGroup:
    """Columns `members` that agree in all dimensions except the code dimensions.

    `constant` (dims,) holds the values in which they agree, zero in the code dimensions. `table`
    leads from a code to its column, to NOBODY or to SEVERAL.
    """

    constant: Floats
    members: Ints
    table: Ints


@dataclass(frozen=True, slots=True)
class KeyCodes:
    """The keys of some columns, indexed by their codes.

    `coded` (dims,) marks the code dimensions; `magnitude` (dims,) is zero in all others. Bit i of a
    code is the sign in the i-th code dimension, 1 for +.
    """

    coded: npt.NDArray[np.bool_]
    magnitude: Floats
    groups: tuple[KeyGroup, ...]

    def answer(self, queries: Floats) -> Answers:
        """Which columns the queries (m, dims) attend to."""
        coded = np.abs(queries[:, self.coded]) * self.magnitude[self.coded]
        step = 2 * coded.min(axis=1, initial=np.inf)
        bounds = [coded.sum(axis=1) + queries @ group.constant for group in self.groups]
        return self.ranked(sign_codes(queries[:, self.coded]), bounds, step)

    def ranked(
        self, codes: Ints, bounds: Sequence[Floats | float], step: Floats | float
    ) -> Answers:
        """Which columns the queries with these codes (m,) attend to.

        A column with the query's code scores the bound of its group, all others of the group score
        lower by at least `step`; bounds and step are (m,), or the same for all queries.
        """
        m = len(codes)
        column = np.full(m, NOBODY, np.int64)
        best, rest = np.full(m, -np.inf), np.full(m, -np.inf)
        for group, bound in zip(self.groups, bounds, strict=True):
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

    Raises CompileError if codes have more than `most_bits` bits, or if there are too many groups.
    """
    own = keys[columns]
    coded, classes = key_groups(own, most_bits)
    codes = sign_codes(own[:, coded])
    groups = []
    for inside in classes:
        constant = np.where(coded, 0.0, own[inside[0]])
        table = code_table(codes[inside], columns[inside], int(coded.sum()))
        groups.append(KeyGroup(constant, columns[inside], table))
    return KeyCodes(coded, np.where(coded, np.abs(own[0]), 0.0), tuple(groups))


def key_groups(keys: Floats, most_bits: int) -> tuple[npt.NDArray[np.bool_], list[Ints]]:
    """The code dimensions (dims,) of some keys (m, dims), and the numbers of those that agree in
    all others, group by group. Raises CompileError as `key_codes` does."""
    sizes = np.abs(keys)
    coded = (sizes == sizes[0]).all(axis=0) & (sizes[0] > 0)
    bits = int(coded.sum())
    if bits > most_bits:
        raise CompileError(f"the keys of a head take codes of {bits} bits, more than {most_bits}")
    classes = row_classes(keys[:, ~coded], _MOST_GROUPS)
    if classes is None:
        raise CompileError(f"the keys of a head fall into more than {_MOST_GROUPS} groups")
    return coded, classes


def code_table(codes: Ints, members: Ints, bits: int) -> Ints:
    """The member that has each code of so many bits, NOBODY or SEVERAL."""
    table = np.full(1 << bits, NOBODY, np.int64)
    table[codes] = members
    if not (table[codes] == members).all():
        found, counts = np.unique(codes, return_counts=True)
        table[found[counts > 1]] = SEVERAL
    return table


def sign_codes(values: Floats) -> Ints:
    """The signs of (m, bits) as numbers (m,), the first bit least significant."""
    weights = np.left_shift(np.int64(1), np.arange(values.shape[1]))
    codes: Ints = ((values > 0) * weights).sum(axis=1)
    return codes
