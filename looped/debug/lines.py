"""LineBack: where a source line begins, looked for backwards, one part of a run after the other."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from looped.debug.backwards import Backwards

__all__ = ["LineBack"]


class LineBack:
    """The first of the places before `end` that are all inside a line, up to `end` itself.

    With `calls`, places in functions that the program has called meanwhile do not count: those
    that are more calls deep than a later place.
    """

    def __init__(self, end: int, inside: Callable[[int], bool], calls: bool) -> None:
        self.place = end
        self.complete = False
        """Whether the place before is known to be outside."""
        self._inside = inside
        self._calls = calls
        self._hit = -1
        self._depth = self._least = 0

    @property
    def hit(self) -> int:
        """The last place, not before `place`, where a breakpoint stops; -1 if there is none."""
        return self._hit if self._hit >= self.place else -1

    def look(self, begin: int, run: Backwards) -> None:
        """Continue with the part of the run from `begin` to where the last part began."""
        pcs, rows = run.pcs, self._shallow(run)
        known, numbers = np.unique(pcs[rows], return_inverse=True)
        inside = np.array([self._inside(pc) for pc in known.tolist()], np.bool_)[numbers]
        outside = np.flatnonzero(~inside)
        self.complete = bool(len(outside))
        mine = rows[outside[-1] + 1 :] if self.complete else rows
        if len(mine):
            self.place = begin + int(mine[0])
        self._hit = max(self._hit, run.last)

    def _shallow(self, run: Backwards) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
        """The rows that count."""
        if not self._calls:
            return np.arange(len(run.pcs))
        depths = self._depth - np.cumsum(run.flows[::-1])[::-1]
        least = np.minimum.accumulate(np.append(depths, self._least)[::-1])[::-1]
        self._depth, self._least = int(depths[0]), int(least[0])
        return np.flatnonzero(depths <= least[1:])
