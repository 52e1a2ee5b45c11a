"""The protocol of engines: load residual streams, advance them, read and write their lanes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from looped.artefact.residual import Residual, Residuals

__all__ = [
    "NOTHING",
    "NO_LANES",
    "Engine",
    "Floats",
    "Lanes",
    "Numbers",
    "Patterns",
    "Shared",
    "Streams",
    "Watch",
    "Words",
]

Lanes = npt.NDArray[np.intp]
Floats = npt.NDArray[np.float64]
Patterns = npt.NDArray[np.bool_]
Numbers = npt.NDArray[Any]
Words = npt.NDArray[np.uint64]

Streams = npt.NDArray[np.generic] | Residuals
"""Residual streams, as a matrix or in fewer bits."""

NO_LANES: Lanes = np.zeros(0, np.intp)


@dataclass(frozen=True, eq=False, slots=True)
class Watch:
    """Lanes of one column that say of each pass whether it is the last one and whether it counts.

    A pass that leaves a lane of `stops` at +1 is the last one. Another pass that leaves a lane of
    `mid_instruction` at +1 does not count. One that counts is the last one as well if it leaves the
    lanes `places` as a row of `patterns` says, (patterns, places), True for +1.
    """

    column: int = 0
    stops: Lanes = field(default_factory=lambda: NO_LANES)
    mid_instruction: Lanes = field(default_factory=lambda: NO_LANES)
    places: Lanes = field(default_factory=lambda: NO_LANES)
    patterns: Patterns = field(default_factory=lambda: np.zeros((0, 0), np.bool_))

    @property
    def lanes(self) -> Lanes:
        """All watched lanes: `stops`, then `mid_instruction`, then `places`."""
        return np.concatenate([self.stops, self.mid_instruction, self.places])

    def seen(self, values: npt.NDArray[np.generic]) -> tuple[bool, bool]:
        """Whether a pass that leaves `values` in `lanes` is the last one, and whether it counts."""
        raised, begin = values == 1, len(self.stops)
        end = begin + len(self.mid_instruction)
        stops, quiet, places = raised[:begin], raised[begin:end], raised[end:]
        stop, counts = bool(stops.any()), bool(stops.any() or not quiet.any())
        if counts and len(self.patterns):
            stop = stop or bool((self.patterns == places).all(axis=1).any())
        return stop, counts


NOTHING = Watch()


class Engine(Protocol):
    """A looped transformer with given weights, and the residual streams that it advances.

    Residual streams are (batch, columns, d_model) of int8, every entry -1 or +1. An engine chooses
    how it stores them; `read` and `write` let a host read and set single lanes between two loops.
    """

    @property
    def fallbacks(self) -> int:
        """Passes of single streams that a faster engine could not certify and `dense` computed."""

    def load(self, x: Streams) -> None:
        """Begin with these residual streams, (batch, columns, d_model)."""

    def prepare(self, note: Callable[[str], None] = lambda text: None) -> None:
        """Do now the work that the next pass needs only once; `note` gets a line about slow work.

        Raises CompileError if the engine cannot run the model or these streams.
        """

    def step(self, loops: int = 1) -> None:
        """Pass all streams through all blocks, `loops` times."""

    def advance(self, loops: int, watch: Watch = NOTHING) -> int:
        """Pass the only stream through all blocks until `loops` passes count, or `watch` stops it.

        Returns how many passes count. Raises ValueError if there are other streams.
        """

    def changes(self, stream: int = 0) -> Lanes:
        """The change set: columns of a stream that may have changed since the last call, ascending.

        It contains every column that has changed. The first call after `load` returns all columns,
        and a call after many loops at once may do so. After the first call each pass notes what it
        changes, which takes time: call this only if you need it.
        """

    def state(self) -> Floats:
        """A copy of the residual streams, (batch, columns, d_model); lanes need not be ±1."""

    def residual(self, stream: int) -> Residual:
        """A copy of one stream, which may be in few bits. Raises ValueError if a lane is not ±1."""

    def read(self, column: int, lanes: Lanes) -> Floats:
        """Some lanes of one column of every stream, (batch, lanes)."""

    def rows(self, stream: int, columns: Lanes) -> Numbers:
        """All lanes of some columns of one stream, (columns, d_model), as numbers of any type."""

    def words(self, stream: int, lanes: Lanes) -> Words:
        """The word in at most 64 lanes of all columns of a stream, (columns,); above zero is a one.

        It takes far less memory than `state`.
        """

    def write(self, stream: int, column: int, lanes: Lanes, values: object) -> None:
        """Set some lanes of one column of one stream to values (lanes,)."""


@runtime_checkable
class Shared(Protocol):
    """An engine whose machine code serves several threads."""

    def twin(self) -> Engine:
        """An engine for the same weights with streams of its own, for another thread."""
