"""The protocol of engines: load(X), step(k), state()."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
import numpy.typing as npt

__all__ = ["NO_LANES", "Engine"]

NO_LANES = np.zeros(0, np.intp)


class Engine(Protocol):
    """A looped transformer with given weights, and the residual streams that it works on.

    Residual streams are (batch, columns, d_model) of int8, every entry -1 or +1. Engines keep
    them as they like; `read` and `write` let a host look at and set single lanes between loops.
    """

    @property
    def fallbacks(self) -> int:
        """Passes of single streams that a faster engine could not certify and left to `dense`."""

    def load(self, x: npt.NDArray[np.generic]) -> None:
        """Begin with these residual streams, (batch, columns, d_model)."""

    def prepare(self, note: Callable[[str], None] = lambda text: None) -> None:
        """Do now what the next pass needs done once; what takes a while is told to `note` first.

        Raises CompileError if the engine turns out not to take the model or these streams.
        """

    def step(self, loops: int = 1) -> None:
        """Pass all streams through all blocks, `loops` times."""

    def run(
        self,
        column: int,
        stops: npt.NDArray[np.intp],
        loops: int,
        mid_instruction: npt.NDArray[np.intp] = NO_LANES,
    ) -> int:
        """Up to `loops` passes of the only stream, and no more after one that leaves one of the
        lanes `stops` of a column at +1; returns how many. Others that leave one of the lanes
        `mid_instruction` at +1 do not count. Raises ValueError if there are other streams."""

    def state(self) -> npt.NDArray[np.float64]:
        """A copy of the residual streams as they are, ±1 or not: (batch, columns, d_model)."""

    def read(self, column: int, lanes: npt.NDArray[np.intp]) -> npt.NDArray[np.float64]:
        """Some lanes of one column of every stream, (batch, lanes)."""

    def write(self, stream: int, column: int, lanes: npt.NDArray[np.intp], values: object) -> None:
        """Set some lanes of one column of one stream to values (lanes,)."""
