"""Mover: moves a timeline by stretches, and looks for stops inside them."""

from __future__ import annotations

from collections.abc import Callable, Collection
from time import monotonic

from looped.debug.search import Search
from looped.debug.stretch import Stretch, Unseen
from looped.debug.timeline import Timeline

__all__ = ["Mover"]

_PATIENCE = 0.1
"""How long in seconds a stretch may take before they grow no longer: a person who types Ctrl-C
waits for one of them."""

_SINGLE = 32
"""A scan begins with as many single instructions. A stretch that has gone too far costs a restored
snapshot, which takes as long as some hundred single instructions."""

_FIRST = 16
"""The instructions of the first stretch after that."""

_LONGEST_SCAN, _LONGEST = 1 << 17, 1 << 20
"""The most instructions of a stretch: the tapes of a scan take up to 200 bytes for each."""


class Mover:
    """The stretches of one run, in one direction; they grow while the run lasts."""

    def __init__(self, timeline: Timeline, wanted: set[int]) -> None:
        self._timeline = timeline
        self._wanted = wanted
        self._singles = _SINGLE
        self._steps = _FIRST

    def forward(self, pcs: Collection[int], most: int = _LONGEST) -> None:
        """Run a stretch of at most `most` instructions, up to one of the program counters."""
        begin, place = monotonic(), self._timeline.steps
        self._timeline.forward(min(self._steps, most), pcs)
        self._grow(begin, place)

    def scan(self, look: Callable[[Search], int], most: int = _LONGEST_SCAN) -> None:
        """Run a stretch of at most `most` instructions; `look` finds the place to stop in it.

        It is not called for a stretch of one instruction. A stretch that could not be searched
        moves by none. `wanted` collects the columns that such searches lacked.
        """
        timeline, begin = self._timeline, monotonic()
        if self._singles or most == 1 or not timeline.scans:
            timeline.step()
            self._singles = max(0, self._singles - 1)
            return
        known = {column: self._word(column) for column in self._wanted}
        place = timeline.steps

        def search(stretch: Stretch) -> int:
            return look(Search(timeline.image, stretch, timeline.port, known))

        try:
            timeline.scan(min(self._steps, most, _LONGEST_SCAN), search)
        except Unseen as missing:
            self._wanted.add(missing.column)
        self._grow(begin, place)

    def _grow(self, begin: float, place: int) -> None:
        """Let the next stretch be longer if this one went all the way, in less than the time."""
        complete = self._timeline.steps - place == self._steps
        if complete and monotonic() - begin < _PATIENCE:
            self._steps *= 2

    def _word(self, column: int) -> int:
        """A word of memory or a register, by its column."""
        port = self._timeline.port
        size = port.size
        return port.memory(column) if column < size else port.register(column - size)
