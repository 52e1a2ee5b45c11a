"""Forwards: one run of a program, stretch by stretch, until it reaches a goal or stops."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from looped.debug.mover import Mover
from looped.debug.points import Points
from looped.debug.search import Search, flow_at
from looped.debug.stops import Stop
from looped.debug.timeline import Timeline
from looped.debug.words import Number

__all__ = ["Forwards", "Goal"]


@dataclass(frozen=True, slots=True)
class Goal:
    """Where a run shall end, after at least one instruction: where all that is given holds.

    `steps` is the place, `pc` says whether a program counter is a wanted one, and `depth` is how
    many calls deeper than the beginning the place may be.
    """

    steps: int | None = None
    pc: Callable[[int], bool] | None = None
    depth: int | None = None

    def reached(self, steps: int, pc: int, depth: int) -> bool:
        """Whether a place is the end."""
        return (
            (self.steps is None or steps >= self.steps)
            and (self.pc is None or self.pc(pc))
            and (self.depth is None or depth <= self.depth)
        )


class Forwards:
    """A run from the present place. `wanted` is the one of `Mover`."""

    def __init__(self, timeline: Timeline, points: Points, goal: Goal, wanted: set[int]) -> None:
        self._timeline = timeline
        self._points = points
        self._goal = goal
        self._mover = Mover(timeline, wanted)
        self._depth = 0
        self._depths: list[int] = []
        self._before: dict[int, Number] = {}

    def stretch(self) -> Stop | None:
        """Run a stretch; why it has stopped, None if it has not."""
        timeline, goal, begin = self._timeline, self._goal, self._timeline.steps
        self._before = self._points.values()
        self._depths = [self._depth]
        if goal.depth is not None:
            self._depths[0] += flow_at(timeline.image, timeline.port, timeline.pc).value
        if goal.steps is None:
            self._mover.scan(self._look)
        else:
            self._mover.scan(self._look, goal.steps - begin)
        moved = timeline.steps - begin
        if not moved:  # the search of a scan lacked a word, or the program halts here
            return Stop(halted=True) if timeline.halted else None
        self._depth = self._depths[moved - 1] if goal.depth is not None else 0
        changes = self._points.changes(self._before)
        stop = Stop(self._points.hit(), changes, halted=timeline.halted)
        ended = goal.reached(timeline.steps, timeline.pc, self._depth) or not stop.expected
        return stop if ended else None

    def _look(self, search: Search) -> int:
        """After how many instructions of a stretch the run must stand."""
        most = search.stretch.count
        if self._goal.depth is not None:
            self._depths = (self._depth + np.cumsum(search.flows())).tolist()
        if self._goal.steps is None:
            most = self._first_goal(search)
        most = search.first_hit(self._points.stopping(), most)
        for each in self._points.compared():
            most = search.first_change(each.expression, self._before[each.number], most)
        return self._first_access(search, most)

    def _first_access(self, search: Search, most: int) -> int:
        """After how many of `most` instructions the first one has accessed watched memory; note
        what was watched there before it."""
        rows = {}
        for each, accessed in self._points.accessed():
            self._before.pop(each.number, None)
            row = search.first_access(accessed, most)
            if row is not None:
                rows[each] = row
                most = row + 1
        for each, row in rows.items():
            if row == most - 1:
                old = search.value(each.expression, row)
                assert old is not None, "memory has a word at every address"
                self._before[each.number] = old
        return most

    def _first_goal(self, search: Search) -> int:
        """The first row that is the goal, the end of the stretch if there is none."""
        goal, count = self._goal, search.stretch.count
        reached = np.ones(count, np.bool_) if goal.pc is None else search.places(goal.pc)
        if goal.depth is not None:
            reached &= np.array(self._depths) <= goal.depth
        rows = np.flatnonzero(reached)
        return int(rows[0]) + 1 if len(rows) else count
