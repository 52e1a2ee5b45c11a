"""Integer forms over ±1 lanes, some of which are known: constants, ranges and divisors.

A form `w · x + c` lies between c - Σ|w| and c + Σ|w| (interval arithmetic, Moore 1966).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from looped.analysis.grid import Floats, Ints

__all__ = ["Form", "Known", "common_values", "restricted_to", "values_in_columns"]

Known = npt.NDArray[np.integer]
"""For each lane (of a column): -1 or +1 if it always has this value, 0 if it may have either."""


class Form(NamedTuple):
    """Forms over lanes: `matrix` (forms, d_model) and `constant` (forms,)."""

    matrix: Ints
    constant: Ints

    @property
    def reach(self) -> Ints:
        """The largest distance of each form from its constant, (forms,)."""
        reach: Ints = np.abs(self.matrix).sum(axis=1)
        return reach

    @property
    def low(self) -> Ints:
        """The least value of each form, (forms,)."""
        return self.constant - self.reach

    @property
    def high(self) -> Ints:
        """The greatest value of each form, (forms,)."""
        return self.constant + self.reach

    @property
    def divisor(self) -> Ints:
        """A number for each form that divides all its values, (forms,)."""
        divisor: Ints = np.gcd.reduce(np.column_stack([self.low, 2 * self.matrix]), axis=1)
        return divisor


def restricted_to(matrix: Ints, known: Known) -> Form:
    """Rows (forms, d_model) as forms over the unknown lanes, given the `known` ones (d_model,)."""
    return Form(matrix * (known == 0), matrix @ known.astype(np.int64))


def values_in_columns(matrix: Floats, known: Known) -> tuple[Floats, Floats]:
    """Rows (forms, d_model) in every column of `known` (columns, d_model).

    Returns the constants and the largest distances from them, (columns, forms) each. Sums are
    exact: they are integers below 2^53.
    """
    lanes = np.flatnonzero(matrix.any(axis=0))
    values, rows = known[:, lanes], matrix[:, lanes].T.astype(np.float64)
    reach = np.zeros((len(known), len(matrix)))
    free = np.flatnonzero((values == 0).any(axis=1))
    reach[free] = (values[free] == 0) @ np.abs(rows)
    return values.astype(np.float64) @ rows, reach


def common_values(rows: Known) -> Known:
    """The value of each lane if all `rows` (columns, lanes) know it and agree, else 0; (lanes,)."""
    return np.where((rows == rows[0]).all(axis=0), rows[0], 0)
