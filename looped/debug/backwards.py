"""Backwards: finds the last stop before a place, by a run from a snapshot up to this place."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from looped.debug.mover import Mover
from looped.debug.points import Points
from looped.debug.search import Search, flow_at
from looped.debug.timeline import Timeline

__all__ = ["Backwards"]

_Ints = npt.NDArray[np.int64]


class Backwards:
    """A run from the present place, which remembers the last stop on its way.

    `last` is the last place from which on the next instruction changes what a watchpoint watches,
    or where a breakpoint stops; -1 if there is none. If `calls`, `flows` and `pcs` tell of each
    instruction, and watchpoints do not count. `wanted` is that of `Mover`.
    """

    def __init__(
        self, timeline: Timeline, points: Points, wanted: set[int], calls: bool = False
    ) -> None:
        self.last = -1
        self._timeline = timeline
        self._points = points
        self._mover = Mover(timeline, wanted)
        self._calls = calls
        self._flows: list[_Ints] = []
        self._pcs: list[_Ints] = []
        self._row = -1
        self._seen = self._places = np.zeros(0, np.int64)

    @property
    def flows(self) -> _Ints:
        """For each instruction 1 if it calls, -1 if it returns, else 0."""
        return np.concatenate(self._flows)

    @property
    def pcs(self) -> _Ints:
        """The program counter before each instruction."""
        return np.concatenate(self._pcs)

    def run(self, end: int, interrupted: Callable[[], bool]) -> bool:
        """Run up to the place `end`; False if an interrupt came before."""
        while self._timeline.steps < end:
            if interrupted():
                return False
            self._stretch(end)
        return True

    def _stretch(self, end: int) -> None:
        timeline, points, begin = self._timeline, self._points, self._timeline.steps
        hit, before = bool(points.hit()), {} if self._calls else points.values()
        flow = flow_at(timeline.image, timeline.port, timeline.pc).value if self._calls else 0
        here = timeline.pc
        self._row, self._seen = -1, np.zeros(0, np.int64)
        self._mover.scan(self._look, end - begin)
        if timeline.steps == begin:  # the search of a scan lacked a word
            return
        if not len(self._seen):
            self._seen, self._places = np.array([flow]), np.array([here])
            self._row = 0 if hit or points.changes(before) else -1
        self._flows.append(self._seen)
        self._pcs.append(self._places)
        if self._row >= 0:
            self.last = begin + self._row

    def _look(self, search: Search) -> int:
        """Note the last stop of a stretch, and run to its end."""
        self._row = search.last_hit(self._points.stopping())
        self._places = search.stretch.pcs[:-1]
        if self._calls:
            self._seen = search.flows()
        else:
            self._seen = np.zeros(search.stretch.count, np.int64)
            for each in self._points.compared():
                now = each.expression(self._points.words)
                self._row = max(self._row, search.last_change(each.expression, now))
            for _, accessed in self._points.accessed():
                self._row = max(self._row, search.last_access(accessed))
        return search.stretch.count
