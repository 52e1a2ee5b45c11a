"""The protocol of engines: load residual streams, advance them, read and write their lanes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

__all__ = ["NOTHING", "NO_LANES", "Engine", "Floats", "Lanes", "Watch"]

Lanes = npt.NDArray[np.intp]
Floats = npt.NDArray[np.float64]

NO_LANES: Lanes = np.zeros(0, np.intp)


@dataclass(frozen=True, eq=False, slots=True)
class Watch:
    """Lanes of one column that say, after each pass, whether to stop and what to count.

    A pass that leaves one of `stops` at +1 is the last one. A pass that leaves one of
    `mid_instruction` at +1 does not count, unless it is the last one.
    """

    column: int = 0
    stops: Lanes = field(default_factory=lambda: NO_LANES)
    mid_instruction: Lanes = field(default_factory=lambda: NO_LANES)

    @property
    def lanes(self) -> Lanes:
        """All lanes that are watched."""
        return np.concatenate([self.stops, self.mid_instruction])

    def seen(self, values: npt.NDArray[np.generic]) -> tuple[bool, bool]:
        """Whether a pass is the last one, and whether it counts, by the values of `lanes`."""
        raised = values == 1
        stop = bool(raised[: len(self.stops)].any())
        return stop, stop or not raised[len(self.stops) :].any()


NOTHING = Watch()


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
        """Do now what the next pass needs done once; `note` gets a line about what takes a while.

        Raises CompileError if the engine turns out not to take the model or these streams.
        """

    def step(self, loops: int = 1) -> None:
        """Pass all streams through all blocks, `loops` times."""

    def advance(self, loops: int, watch: Watch = NOTHING) -> int:
        """Pass the only stream through all blocks until `loops` passes count, or `watch` stops it.

        Returns how many passes count. Raises ValueError if there are other streams.
        """

    def changes(self, stream: int = 0) -> Lanes:
        """The change set: columns of a stream that may have changed since the last call, ascending.

        Every column that has changed is among them. The first call after `load` returns all
        columns, and a call after many loops at once may. From then on a pass costs the time to
        note what it changes, so do not call it without need.
        """

    def state(self) -> Floats:
        """A copy of the residual streams as they are, ±1 or not: (batch, columns, d_model)."""

    def read(self, column: int, lanes: Lanes) -> Floats:
        """Some lanes of one column of every stream, (batch, lanes)."""

    def write(self, stream: int, column: int, lanes: Lanes, values: object) -> None:
        """Set some lanes of one column of one stream to values (lanes,)."""
