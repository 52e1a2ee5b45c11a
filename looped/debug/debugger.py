"""Debugger: runs a timeline forwards and backwards until something stops it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from time import monotonic

from looped.debug.expressions import Expression
from looped.debug.stops import Breakpoint, Change, Stop, Watchpoint
from looped.debug.timeline import Timeline
from looped.debug.words import Words
from looped.isa.flow import Flow
from looped.registry import machine

__all__ = ["Debugger"]

_Goal = Callable[[], bool]

_PATIENCE = 0.1
"""How long in seconds a stretch may take before they grow no longer: a person who types Ctrl-C
waits for one of them."""


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
        self.breakpoints: dict[int, Breakpoint] = {}
        self.watchpoints: dict[int, Watchpoint] = {}
        self.interrupted = interrupted
        self._machine = machine(timeline.image.machine)
        self._last = 0

    def add_breakpoint(
        self, pc: int, condition: tuple[str, Expression] | None = None, temporary: bool = False
    ) -> Breakpoint:
        """A new breakpoint at a program counter."""
        self._last += 1
        made = Breakpoint(self._last, pc, condition, temporary)
        self.breakpoints[made.number] = made
        return made

    def add_watchpoint(self, text: str, expression: Expression) -> Watchpoint:
        """A new watchpoint. Raises SourceError if the expression has no value now."""
        expression(self.words)
        self._last += 1
        made = Watchpoint(self._last, text, expression)
        self.watchpoints[made.number] = made
        return made

    def delete(self, number: int) -> bool:
        """Delete a breakpoint or a watchpoint; False if there is none with this number."""
        found = self.breakpoints.pop(number, None) or self.watchpoints.pop(number, None)
        return found is not None

    def step(self, count: int = 1) -> Stop:
        """Execute `count` instructions."""
        end = self.timeline.steps + count
        return self._run(lambda: self.timeline.steps >= end)

    def resume(self) -> Stop:
        """Run until something stops the program."""
        return self._sweep(frozenset())

    def until(self, pc: int) -> Stop:
        """Run until the program counter is at an address."""
        return self._sweep(frozenset([pc]))

    def next(self) -> Stop:
        """Execute one instruction, or, if it is a call, all until it returns."""
        depth = _Depth(self._flow)
        return self._run(lambda: depth.after() <= 0)

    def finish(self) -> Stop:
        """Run until the present function has returned."""
        depth = _Depth(self._flow)
        return self._run(lambda: depth.after() < 0)

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
            found, last = self._last_stop(end)
            if self.timeline.steps < end:
                return Stop(interrupted=True)
            if not last.expected:
                self.timeline.go_to(found)
                return self._counted(last)
            end = begin
        self.timeline.go_to(0)
        return Stop(began=True)

    def reverse_next(self) -> Stop:
        """Go back by one instruction, or, if it is the return from a call, by all of the call."""
        return self._back(lambda depth: depth <= 0)

    def reverse_finish(self) -> Stop:
        """Go back to the place before the call of the present function."""
        return self._back(lambda depth: depth < 0)

    def _back(self, reached: Callable[[int], bool]) -> Stop:
        """Go back to the last breakpoint, or the last place whose depth of calls is `reached`: how
        many calls deeper it is than the present one."""
        end, depth = self.timeline.steps, 0
        while end > 0:
            begin = self.timeline.restore_near(end)
            flows, hits = [], []
            while self.timeline.steps < end:
                if self.interrupted():
                    return Stop(interrupted=True)
                flows.append(self._flow().value)
                hits.append(self._hit())
                self.timeline.step()
            for n in reversed(range(len(flows))):
                depth -= flows[n]
                if reached(depth) or hits[n]:
                    self.timeline.go_to(begin + n)
                    return self._counted(Stop(() if reached(depth) else hits[n]))
            end = begin
        self.timeline.go_to(0)
        return Stop(began=True)

    def _last_stop(self, end: int) -> tuple[int, Stop]:
        """Run to the place `end`; the last stop before it and its place. An interrupt ends it."""
        timeline, watches, stretch = self.timeline, bool(self._values()), _Stretch()
        found, last = timeline.steps, Stop()
        while timeline.steps < end and not self.interrupted():
            place, stop = timeline.steps, Stop(self._hit())
            if watches:
                before = self._values()
                timeline.step()
                back = [Change(c.watchpoint, c.new, c.old) for c in self._changes(before)]
                stop = Stop(stop.breakpoints, tuple(back))
            else:
                stretch.forward(timeline, self._stopping(), end - place)
            if not stop.expected:
                found, last = place, stop
        return found, last

    def _sweep(self, targets: frozenset[int]) -> Stop:
        """Run until something stops the program, or the program counter is one of `targets`.

        Without watchpoints it runs in stretches.
        """
        if self._values():
            return self._run(lambda: self.timeline.pc in targets)
        places, stretch = targets | self._stopping(), _Stretch()
        while not self.timeline.halted:
            if self.interrupted():
                return Stop(interrupted=True)
            stretch.forward(self.timeline, places)
            stop = Stop(self._hit(), halted=self.timeline.halted)
            if self.timeline.pc in targets or not stop.expected:
                return self._counted(stop)
        return Stop(halted=True)

    def _run(self, done: _Goal) -> Stop:
        while not self.timeline.halted:
            if self.interrupted():
                return Stop(interrupted=True)
            before = self._values()
            self.timeline.step()
            reached = done()
            stop = Stop(self._hit(), self._changes(before), halted=self.timeline.halted)
            if reached or not stop.expected:
                return self._counted(stop)
        return Stop(halted=True)

    def _hit(self) -> tuple[Breakpoint, ...]:
        """The enabled breakpoints at this place whose condition holds."""
        if not self.breakpoints:
            return ()
        pc = self.timeline.pc
        return tuple(
            each
            for each in self.breakpoints.values()
            if each.enabled
            and each.pc == pc
            and (each.condition is None or each.condition[1](self.words) != 0)
        )

    def _stopping(self) -> frozenset[int]:
        """Where the enabled breakpoints are."""
        return frozenset(each.pc for each in self.breakpoints.values() if each.enabled)

    def _values(self) -> dict[int, int]:
        enabled = (w for w in self.watchpoints.values() if w.enabled)
        return {each.number: each.expression(self.words) for each in enabled}

    def _changes(self, before: dict[int, int]) -> tuple[Change, ...]:
        changes = []
        for number, old in before.items():
            watchpoint = self.watchpoints[number]
            new = watchpoint.expression(self.words)
            if new != old:
                changes.append(Change(watchpoint, old, new))
        return tuple(changes)

    def _counted(self, stop: Stop) -> Stop:
        for breakpoint in stop.breakpoints:
            breakpoint.hits += 1
            if breakpoint.temporary:
                self.breakpoints.pop(breakpoint.number, None)
        for change in stop.changes:
            change.watchpoint.hits += 1
        return stop

    def _flow(self) -> Flow:
        words, flow = self._instruction(), self._machine.flow
        return Flow.NEITHER if words is None or flow is None else flow(words)

    def _instruction(self) -> tuple[int, ...] | None:
        """The words of the next instruction, None outside memory."""
        port, count = self.timeline.port, self._machine.instruction_words
        index = self.image.index(self.timeline.pc)
        if index + count > port.size:
            return None
        return tuple(port.memory(index + n) for n in range(count))


class _Stretch:
    """Stretches that take about `_PATIENCE` seconds: a run looks at the interrupt after each."""

    def __init__(self) -> None:
        self._steps = 16

    def forward(self, timeline: Timeline, pcs: Collection[int], most: int = 1 << 20) -> None:
        """Run one stretch, up to one of the program counters `pcs`, or `most` instructions."""
        begin, place = monotonic(), timeline.steps
        timeline.forward(min(self._steps, most), pcs)
        if timeline.steps - place == self._steps and monotonic() - begin < _PATIENCE:
            self._steps *= 2


class _Depth:
    """How many calls deeper a program is than at the beginning."""

    def __init__(self, flow: Callable[[], Flow]) -> None:
        self._flow = flow
        self._next = flow()
        self._calls = 0

    def after(self) -> int:
        """The depth after one instruction more."""
        self._calls += self._next.value
        self._next = self._flow()
        return self._calls
