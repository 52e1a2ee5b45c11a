"""Products of rows with a sparse matrix, exact in any order of summation."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Product"]

_FEW = 4
"""Up to so many rows are multiplied entry by entry. A pass of one row reads all matrices of a model
once, so dense ones come from main memory: with RV32IMA that takes 8 ms of 10, and entries 1 ms.
Matrices of a hundred rows are faster dense."""

Matrix = npt.NDArray[Any]


class Product:
    """A matrix (inputs, results) as `dense`, and as entries in the order of their results."""

    def __init__(self, dense: Matrix) -> None:
        self.dense = dense
        entries = dense.T != 0
        entries[:, :1] |= ~entries.any(axis=1, keepdims=True)  # each result is a sum of some
        result, self._places = np.nonzero(entries)
        self._weights = dense[self._places, result]
        self._starts = np.searchsorted(result, np.arange(dense.shape[1]))

    def of(self, x: Matrix) -> Matrix:
        """The products of rows x (rows, inputs) with the matrix, (rows, results)."""
        if len(x) > _FEW or not self.dense.size:
            return np.asarray(x @ self.dense)
        found: Matrix = np.add.reduceat(x[:, self._places] * self._weights, self._starts, axis=1)
        return found
