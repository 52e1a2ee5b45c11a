"""HostLanes: which lanes of a residual stream the host sets."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["HostLanes"]


class HostLanes:
    """For each column that the host has written to, a mask (d_model,) of the lanes written.

    It grows with the columns, not with the writes.
    """

    def __init__(self, d_model: int) -> None:
        self._d_model = d_model
        self.masks: dict[int, npt.NDArray[np.bool_]] = {}

    def add(self, column: int, lanes: npt.NDArray[np.intp]) -> None:
        """Count some lanes of a column as set by the host."""
        if column not in self.masks:
            self.masks[column] = np.zeros(self._d_model, np.bool_)
        self.masks[column][lanes] = True

    def update(self, other: HostLanes) -> None:
        """Count the lanes of `other`, too."""
        for column, mask in other.masks.items():
            self.add(column, np.flatnonzero(mask))
