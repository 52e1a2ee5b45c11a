"""Columns that agree in some lanes: equal rows of a matrix, class by class."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from looped.analysis.grid import Ints

__all__ = ["row_classes"]


def row_classes(rows: npt.NDArray[np.generic], most: int) -> list[Ints] | None:
    """The indices of equal rows, class by class, in the order in which the classes first appear.

    None if there are more than `most` classes. Each class costs a comparison of all rows that have
    no class yet, so `most` should be the number of classes that the caller can use.
    """
    classes: list[Ints] = []
    pending = np.arange(len(rows))
    while pending.size:
        if len(classes) == most:
            return None
        same = _equal(rows[pending] if classes else rows, rows[pending[0]])
        classes.append(pending[same])
        pending = pending[~same]
    return classes


def _equal(rows: npt.NDArray[np.generic], wanted: npt.NDArray[np.generic]) -> npt.NDArray[np.bool_]:
    """Which rows are equal to one row; of rows of bytes, eight lanes are compared at once."""
    if rows.dtype.itemsize != 1 or rows.shape[1] < _WIDE:
        equal: npt.NDArray[np.bool_] = (rows == wanted).all(axis=1)
        return equal
    whole = rows.shape[1] // 8 * 8
    packed = np.ascontiguousarray(rows[:, :whole]).view(np.uint64)
    found = (packed == np.ascontiguousarray(wanted[:whole]).view(np.uint64)).all(axis=1)
    result: npt.NDArray[np.bool_] = found & (rows[:, whole:] == wanted[whole:]).all(axis=1)
    return result


_WIDE = 32
"""Rows of fewer lanes are compared lane by lane."""
