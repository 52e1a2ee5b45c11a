"""The protocol of engines: load(X), step(k), state()."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

__all__ = ["Engine"]


class Engine(Protocol):
    """A looped transformer with given weights, and the residual streams that it works on.

    Residual streams are (batch, columns, d_model) of int8, every entry -1 or +1. Engines keep
    them as they like; `read` and `write` let a host look at and set single lanes between loops.
    """

    def load(self, x: npt.NDArray[np.int8]) -> None:
        """Begin with these residual streams, (batch, columns, d_model)."""

    def step(self, loops: int = 1) -> None:
        """Pass all streams through all blocks, `loops` times."""

    def run(self, column: int, stops: npt.NDArray[np.intp], loops: int) -> int:
        """Pass the only stream through all blocks, until a lane of a column is +1.

        At most `loops` times, and no more after the first pass after which one of the lanes `stops`
        of `column` holds +1. Returns the number of passes. Raises ValueError if there is not
        exactly one stream.
        """

    def state(self) -> npt.NDArray[np.float64]:
        """A copy of the residual streams as they are, ±1 or not: (batch, columns, d_model)."""

    def read(self, column: int, lanes: npt.NDArray[np.intp]) -> npt.NDArray[np.float64]:
        """Some lanes of one column of every stream, (batch, lanes)."""

    def write(self, stream: int, column: int, lanes: npt.NDArray[np.intp], values: object) -> None:
        """Set some lanes of one column of one stream to values (lanes,)."""
