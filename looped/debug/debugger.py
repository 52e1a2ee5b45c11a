"""Debugger: runs a timeline forwards and backwards until something stops it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from looped.debug.backwards import Backwards
from looped.debug.expressions import Expression
from looped.debug.forwards import Forwards, Goal
from looped.debug.lines import LineBack
from looped.debug.mover import Mover
from looped.debug.points import Points
from looped.debug.stops import Breakpoint, Change, Kind, Stop, Watchpoint
from looped.debug.timeline import Timeline
from looped.debug.words import Words

__all__ = ["Debugger"]


class Debugger:
    """A timeline with breakpoints and watchpoints.

    All methods that run return why they stopped. They look at `interrupted` before each
    instruction or stretch of instructions. Places are as in `Timeline`: the place before
    instruction number n is place n.
    """

    def __init__(self, timeline: Timeline, interrupted: Callable[[], bool] = lambda: False) -> None:
        self.timeline = timeline
        self.image = timeline.image
        self.words = Words(timeline.image, timeline.port)
        self.points = Points(self.words, lambda: timeline.pc)
        self.interrupted = interrupted
        self._wanted: set[int] = set()

    def add_breakpoint(
        self, pc: int, condition: tuple[str, Expression] | None = None, temporary: bool = False
    ) -> Breakpoint:
        """A new breakpoint at a program counter."""
        return self.points.break_at(pc, condition, temporary)

    def add_watchpoint(
        self,
        text: str,
        expression: Expression,
        kind: Kind = "write",
        accessed: Expression | None = None,
    ) -> Watchpoint:
        """A new watchpoint. Raises SourceError if the expression has no value now."""
        return self.points.watch(text, expression, kind, accessed)

    def step(self, count: int = 1) -> Stop:
        """Execute `count` instructions."""
        return self._run(Goal(steps=self.timeline.steps + count))

    def resume(self) -> Stop:
        """Run until something stops the program."""
        return self._sweep(frozenset())

    def until(self, pc: int) -> Stop:
        """Run until the program counter is at an address."""
        return self._sweep(frozenset([pc]))

    def leave(self, inside: Callable[[int], bool], calls: bool = False) -> Stop:
        """Run at least one instruction, until the program counter is not inside.

        With `calls`, functions that the program calls meanwhile count as inside.
        """
        return self._run(Goal(pc=lambda pc: not inside(pc), depth=0 if calls else None))

    def next(self) -> Stop:
        """Execute one instruction, or, if it is a call, all until it returns."""
        return self._run(Goal(depth=0))

    def finish(self) -> Stop:
        """Run until the present function has returned."""
        return self._run(Goal(depth=-1))

    def reverse_step(self, count: int = 1) -> Stop:
        """Go back by `count` instructions."""
        target = self.timeline.steps - count
        self.timeline.go_to(max(0, target))
        return Stop(began=target < 0)

    def reverse_resume(self) -> Stop:
        """Go back to the last place where a breakpoint was, or just before the last change of a
        watched expression."""
        end = self.timeline.steps
        while end > 0:
            begin = self.timeline.saved_before(end)
            self.timeline.restore(begin)
            run = Backwards(self.timeline, self.points, self._wanted)
            if not run.run(end, self.interrupted):
                return Stop(interrupted=True)
            if run.last >= 0:
                return self._stop_back(run.last)
            end = begin
        self.timeline.go_to(0)
        return Stop(began=True)

    def reverse_next(self) -> Stop:
        """Go back by one instruction, or, if it is the return from a call, by all of the call."""
        return self._back(0)

    def reverse_leave(self, inside: Callable[[int], bool], calls: bool = False) -> Stop:
        """Go back as long as the program counter stays inside, or to the last breakpoint.

        With `calls`, functions that the program has called meanwhile count as inside.
        """
        end = self.timeline.steps
        line, hit = LineBack(end, inside, calls), self.points.hit()
        while end > 0 and not (hit or line.complete or line.hit >= 0):
            begin = self.timeline.saved_before(end)
            self.timeline.restore(begin)
            run = Backwards(self.timeline, self.points, self._wanted, calls=True)
            if not run.run(end, self.interrupted):
                return Stop(interrupted=True)
            line.look(begin, run)
            end = begin
        self.timeline.go_to(max(line.place, line.hit))
        began = not line.complete and self.timeline.steps == 0
        return self.points.counted(Stop(self.points.hit(), began=began))

    def reverse_finish(self) -> Stop:
        """Go back to the place before the call of the present function."""
        return self._back(-1)

    def go_to(self, place: int) -> Stop:
        """Go to a place, whatever would stop the program on its way."""
        timeline, mover = self.timeline, Mover(self.timeline, set())
        if place <= timeline.steps:
            timeline.go_to(place)
        while timeline.steps < place and not timeline.halted:
            if self.interrupted():
                return Stop(interrupted=True)
            mover.forward((), place - timeline.steps)
        return Stop(halted=timeline.halted)

    def _run(self, goal: Goal) -> Stop:
        """Run until a goal is reached or something stops the program."""
        run = Forwards(self.timeline, self.points, goal, self._wanted)
        while not self.timeline.halted:
            if self.interrupted():
                return Stop(interrupted=True)
            stop = run.stretch()
            if stop is not None:
                return self.points.counted(stop)
        return Stop(halted=True)

    def _sweep(self, targets: frozenset[int]) -> Stop:
        """Run until something stops the program, or the program counter is one of `targets`.

        Without watchpoints and conditions the engine itself looks for the places.
        """
        stopping = self.points.stopping()
        if self.points.watched() or any(each.condition for each in stopping):
            return self._run(Goal(pc=targets.__contains__))
        places, mover = targets | {each.pc for each in stopping}, Mover(self.timeline, set())
        while not self.timeline.halted:
            if self.interrupted():
                return Stop(interrupted=True)
            mover.forward(places)
            stop = Stop(self.points.hit(), halted=self.timeline.halted)
            if self.timeline.pc in targets or not stop.expected:
                return self.points.counted(stop)
        return Stop(halted=True)

    def _stop_back(self, place: int) -> Stop:
        """Go back to the last stop of a run."""
        timeline, points = self.timeline, self.points
        timeline.go_to(place)
        before, hit = points.values(), points.hit()
        changes: tuple[Change, ...] = ()
        if before:
            timeline.step()
            changes = points.changes(before)
            timeline.go_to(place)
        back = [Change(change.watchpoint, change.new, change.old) for change in changes]
        return points.counted(Stop(hit, tuple(back)))

    def _back(self, deepest: int) -> Stop:
        """Go back to the last breakpoint, or the last place that is at most `deepest` calls deeper
        than the present one."""
        end, depth = self.timeline.steps, 0
        while end > 0:
            begin = self.timeline.saved_before(end)
            self.timeline.restore(begin)
            run = Backwards(self.timeline, self.points, self._wanted, calls=True)
            if not run.run(end, self.interrupted):
                return Stop(interrupted=True)
            depths = depth - np.cumsum(run.flows[::-1])[::-1]
            shallow = np.flatnonzero(depths <= deepest)
            place = begin + int(shallow[-1]) if len(shallow) else -1
            if max(place, run.last) >= 0:
                self.timeline.go_to(max(place, run.last))
                hit = self.points.hit() if run.last >= place else ()
                return self.points.counted(Stop(hit))
            end, depth = begin, int(depths[0])
        self.timeline.go_to(0)
        return Stop(began=True)
