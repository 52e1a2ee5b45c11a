"""Certified: a fast engine that falls back to the dense one for each pass that it abandons."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from looped.artefact.residual import Residual
from looped.engines.engine import NOTHING, Floats, Lanes, Numbers, Streams, Watch, Words

__all__ = ["Certified", "Definition", "Fast", "FastStream", "Progress"]

_FEW = 16
"""Up to this many loops per call run one by one, so that each notes what it changes. A caller that
wants more loops per call wants speed: it can compare all columns in less time than 16 single passes
take."""


class Progress(NamedTuple):
    """How many passes of a call count, and whether the engine has abandoned the next pass."""

    counted: int
    abandoned: bool


class FastStream(Protocol):
    """One residual stream, (columns, d_model), that a fast engine advances."""

    def prepare(self) -> None:
        """Do the work that the next pass needs only once. Raises CompileError."""

    def advance(self, loops: int, watch: Watch) -> Progress:
        """Pass until `loops` passes count, `watch` stops, or the engine abandons a pass.

        A call may also end early, after many passes that do not count, so that signals are served.
        After an abandoned pass, state and lanes are those that the pass before left, but what the
        engine keeps beside them may be that of half a pass. So only reads, then `replace`, may
        follow.
        """

    def touched(self) -> Lanes:
        """A set of columns that contains all that the last pass has changed.

        The last call of `advance` must have completed exactly one pass.
        """

    def replace(self, x: Floats) -> None:
        """Continue with another state."""

    def state(self) -> Floats:
        """A copy of the stream, (columns, d_model)."""

    def residual(self) -> Residual:
        """A copy of the stream. Raises ValueError if a lane is not ±1."""

    def read(self, column: int, lanes: Lanes) -> Floats:
        """Some lanes of one column, (lanes,)."""

    def rows(self, columns: Lanes) -> Numbers:
        """All lanes of some columns, (columns, d_model)."""

    def words_in(self, lanes: Lanes) -> Words:
        """The word in some lanes of all columns, (columns,)."""

    def write(self, column: int, lanes: Lanes, values: Floats) -> None:
        """Set some lanes of one column."""


class Fast(Protocol):
    """What makes the streams of a fast engine."""

    def stream(self, x: npt.NDArray[np.generic] | Residual) -> FastStream:
        """Begin with a residual stream, (columns, d_model). Raises CompileError."""

    def announce(self, streams: list[FastStream], note: Callable[[str], None]) -> None:
        """Prepare streams; `note` gets a line about slow work. Raises CompileError."""


class Definition(Protocol):
    """What computes the passes that a fast engine abandons."""

    def load(self, x: npt.NDArray[np.generic]) -> None:
        """Begin with these residual streams, (batch, columns, d_model)."""

    def step(self, loops: int = 1) -> None:
        """Pass all streams through all blocks, `loops` times."""

    def state(self) -> Floats:
        """A copy of the residual streams, (batch, columns, d_model)."""


class Certified:
    """An engine that is as exact as `dense` and as fast as `fast`, except in fallbacks.

    `fallbacks` counts the passes of single streams that `fast` abandoned and `dense` computed.
    """

    def __init__(self, fast: Fast, dense: Definition) -> None:
        self.fast = fast
        self.dense = dense
        self.fallbacks = 0
        self.streams: list[FastStream] = []
        self._changed: list[set[int] | None] = []
        self._columns = 0
        self._lock = Lock()

    def load(self, x: Streams) -> None:
        """Begin with these residual streams, (batch, columns, d_model)."""
        self.streams = [self.fast.stream(stream) for stream in x]
        self._changed = [None] * len(x)
        self._columns = x.shape[1]

    def prepare(self, note: Callable[[str], None] = lambda text: None) -> None:
        """Do now the work that the next pass needs only once. Raises CompileError."""
        self.fast.announce(self.streams, note)

    def step(self, loops: int = 1) -> None:
        """Pass all streams through all blocks, `loops` times."""
        for number in range(len(self.streams)):
            self._advance(number, loops, NOTHING)

    def advance(self, loops: int, watch: Watch = NOTHING) -> int:
        """Pass the only stream through all blocks until `loops` passes count, or `watch` stops it.

        Returns how many passes count. Raises ValueError if there are other streams.
        """
        if len(self.streams) != 1:
            raise ValueError(f"advance is for one stream, and there are {len(self.streams)}")
        return self._advance(0, loops, watch)

    def changes(self, stream: int = 0) -> Lanes:
        """The columns of a stream that may have changed since the last call, in ascending order.

        The first call after `load` returns all columns, and so does a call after an `advance` or
        `step` of more than `_FEW` loops. After the first call, fewer loops run one by one.
        """
        found, self._changed[stream] = self._changed[stream], set()
        return np.arange(self._columns) if found is None else np.array(sorted(found), np.intp)

    def state(self) -> Floats:
        """A copy of the residual streams as they are, (batch, columns, d_model)."""
        return np.stack([stream.state() for stream in self.streams])

    def residual(self, stream: int) -> Residual:
        """A copy of one stream. Raises ValueError if a lane is not ±1."""
        return self.streams[stream].residual()

    def read(self, column: int, lanes: Lanes) -> Floats:
        """Some lanes of one column of every stream, (batch, lanes)."""
        return np.stack([stream.read(column, lanes) for stream in self.streams])

    def rows(self, stream: int, columns: Lanes) -> Numbers:
        """All lanes of some columns of one stream, (columns, d_model)."""
        return self.streams[stream].rows(columns)

    def words(self, stream: int, lanes: Lanes) -> Words:
        """The word in some lanes of all columns of one stream, (columns,); above zero is a one."""
        return self.streams[stream].words_in(lanes)

    def write(self, stream: int, column: int, lanes: Lanes, values: object) -> None:
        """Set some lanes of one column of one stream to values (lanes,)."""
        self.streams[stream].write(column, lanes, np.asarray(values, np.float64))
        self.note_changes(stream, [column])

    def _advance(self, number: int, loops: int, watch: Watch) -> int:
        """Pass one stream until `loops` passes count or `watch` stops; returns how many count."""
        stream = self.streams[number]
        if loops > _FEW:
            self._changed[number] = None
        done = 0
        while done < loops:
            if self._changed[number] is None:
                counted, abandoned = stream.advance(loops - done, watch)
                done += counted
                if done == loops or (counted and self._seen(stream, watch)[0]):
                    break
                if not abandoned:
                    continue
            self._single_pass(number)
            stop, counts = self._seen(stream, watch)
            done += counts
            if stop:
                break
        return done

    def _seen(self, stream: FastStream, watch: Watch) -> tuple[bool, bool]:
        """Whether the last pass was the last one, and whether it counts."""
        if watch is NOTHING:
            return False, True
        return watch.seen(stream.read(watch.column, watch.lanes))

    def _single_pass(self, number: int) -> None:
        """One pass of one stream; it falls back to the dense engine if the fast one abandons it."""
        stream = self.streams[number]
        if self._changed[number] is not None and not stream.advance(1, NOTHING).abandoned:
            self.note_changes(number, stream.touched().tolist())
            return
        before = stream.state()
        with self._lock:  # other threads may share the definition
            self.fallbacks += 1
            self.dense.load(before[None])
            self.dense.step()
            after = self.dense.state()[0]
        stream.replace(after)
        self.note_changes(number, (before != after).any(axis=1).nonzero()[0].tolist())

    def note_changes(self, number: int, columns: list[int]) -> None:
        """Remember that columns of a stream may have changed."""
        changed = self._changed[number]
        if changed is not None:
            changed.update(columns)
