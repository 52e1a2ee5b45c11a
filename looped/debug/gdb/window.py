"""Window: a part of a run that has been recorded, whose words are known at each of its places."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from looped.debug.stretch import Stretch
from looped.debug.timeline import Timeline

__all__ = ["Window", "record"]

_LENGTH = 1 << 15
"""The most instructions of a window: `lifted` runs them in 0.03 s."""


class Window:
    """The places from `begin` to `end` of a run.

    `words` are those of memory and registers at the beginning; `parts` are stretches, each with its
    first place; `pc` is the program counter at the end.
    """

    def __init__(
        self, begin: int, words: npt.NDArray[np.int64], parts: list[tuple[int, Stretch]], pc: int
    ) -> None:
        self.begin = begin
        self.pcs = np.concatenate([*(part.pcs[:-1] for _, part in parts), [pc]])
        self.end = begin + len(self.pcs) - 1
        self._words = words
        stores = [(first + part.at, part.columns, part.values) for first, part in parts]
        at, columns, values = (np.concatenate(each) for each in zip(*stores, strict=True))
        order = np.argsort(columns, kind="stable")
        self._at, self._columns, self._values = at[order], columns[order], values[order]

    def word(self, column: int, place: int) -> int:
        """The word of a column of memory or of a register at a place."""
        first, last = np.searchsorted(self._columns, [column, column + 1]).tolist()
        visible = first + int(np.searchsorted(self._at[first:last], place))
        return int(self._values[visible - 1] if visible > first else self._words[column])

    def last(self, pcs: set[int], place: int) -> int | None:
        """The last place before `place` with one of these program counters, None without one."""
        seen = self.pcs[: place - self.begin]
        found = np.flatnonzero(np.isin(seen, list(pcs)))
        return self.begin + int(found[-1]) if len(found) else None


def record(timeline: Timeline) -> Window | None:
    """The window that ends at the present place of a timeline, which comes back to it.

    None if the engine does not record, or somebody has changed words by hand meanwhile.
    """
    end = timeline.steps
    if not (timeline.scans and end):
        return None
    begin = timeline.save_within(end - _LENGTH, end)
    if timeline.edited(begin, end):
        timeline.go_to(end)
        return None
    parts: list[tuple[int, Stretch]] = []
    words = timeline.words_at(begin)

    def look(stretch: Stretch) -> int:
        parts.append((timeline.steps, stretch))
        return stretch.count

    while timeline.steps < end:
        before, known = timeline.steps, len(parts)
        timeline.scan(end - before, look)
        if timeline.steps > before and len(parts) == known:  # passes that nobody has recorded
            timeline.go_to(end)
            return None
    return Window(begin, words, parts, timeline.pc)
