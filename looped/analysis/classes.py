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
        same = (rows[pending] == rows[pending[0]]).all(axis=1)
        classes.append(pending[same])
        pending = pending[~same]
    return classes
