"""Grids: the largest power of two that divides some numbers, and the numbers as multiples of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Floats", "Ints", "grid", "grid_of_tensors", "integers"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def grid(matrix: Floats) -> float:
    """The largest power of two that divides all entries (1 for a matrix of zeros)."""
    nonzero = np.abs(matrix[matrix != 0])
    if nonzero.size == 0:
        return 1.0
    mantissa, exponent = np.frexp(nonzero)
    odd = (mantissa * 2.0**53).astype(np.int64)
    trailing = np.log2((odd & -odd).astype(np.float64))
    return float(2.0 ** (exponent - 53 + trailing).min())


def grid_of_tensors(weights: Iterable[Tensor]) -> float:
    """The largest power of two that divides all weights."""
    return min(grid(weight.detach().cpu().double().numpy()) for weight in weights)


def integers(matrix: Floats, unit: float | Floats = 1.0) -> Ints:
    """A matrix divided by a unit that divides all its entries."""
    return np.rint(matrix / unit).astype(np.int64)
