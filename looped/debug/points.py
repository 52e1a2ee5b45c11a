"""Points: the breakpoints and watchpoints of a debugger, and which of them stop a run here."""

from __future__ import annotations

from collections.abc import Callable

from looped.debug.expressions import Expression
from looped.debug.stops import Breakpoint, Change, Kind, Stop, Watchpoint
from looped.debug.words import Number, Words

__all__ = ["Points"]


class Points:
    """Breakpoints and watchpoints by number. `words` are those of the program at its place."""

    def __init__(self, words: Words, pc: Callable[[], int]) -> None:
        self.breakpoints: dict[int, Breakpoint] = {}
        self.watchpoints: dict[int, Watchpoint] = {}
        self.words = words
        self._pc = pc
        self._last = 0

    def break_at(
        self, pc: int, condition: tuple[str, Expression] | None, temporary: bool
    ) -> Breakpoint:
        """A new breakpoint at a program counter."""
        self._last += 1
        made = Breakpoint(self._last, pc, condition, temporary)
        self.breakpoints[made.number] = made
        return made

    def watch(
        self,
        text: str,
        expression: Expression,
        kind: Kind = "write",
        accessed: Expression | None = None,
    ) -> Watchpoint:
        """A new watchpoint. Raises SourceError if the expression has no value now."""
        expression(self.words)
        self._last += 1
        made = Watchpoint(self._last, text, expression, kind, accessed)
        self.watchpoints[made.number] = made
        return made

    def delete(self, number: int) -> bool:
        """Delete a breakpoint or a watchpoint; False if there is none with this number."""
        found = self.breakpoints.pop(number, None) or self.watchpoints.pop(number, None)
        return found is not None

    def stopping(self) -> list[Breakpoint]:
        """The enabled breakpoints."""
        return [each for each in self.breakpoints.values() if each.enabled]

    def watched(self) -> list[Watchpoint]:
        """The enabled watchpoints."""
        return [each for each in self.watchpoints.values() if each.enabled]

    def compared(self) -> list[Watchpoint]:
        """Those that stop when a value changes."""
        return [each for each in self.watched() if each.accessed is None]

    def accessed(self) -> list[tuple[Watchpoint, Expression]]:
        """Those that stop when memory is accessed, and what says so before an instruction."""
        return [(each, each.accessed) for each in self.watched() if each.accessed is not None]

    def hit(self) -> tuple[Breakpoint, ...]:
        """The enabled breakpoints at this place whose condition holds."""
        if not self.breakpoints:
            return ()
        pc = self._pc()
        return tuple(
            each
            for each in self.stopping()
            if each.pc == pc and (each.condition is None or each.condition[1](self.words) != 0)
        )

    def values(self) -> dict[int, Number]:
        """What the enabled watchpoints compare, by their numbers, and what those watch whose memory
        the next instruction accesses."""
        compared = {each.number: each.expression(self.words) for each in self.compared()}
        return compared | self.accesses()

    def accesses(self) -> dict[int, Number]:
        """By number, what those watch whose memory the next instruction accesses."""
        return {
            each.number: each.expression(self.words)
            for each, accessed in self.accessed()
            if accessed(self.words)
        }

    def changes(self, before: dict[int, Number]) -> tuple[Change, ...]:
        """What has changed or was accessed since `values` were those."""
        changes = []
        for number, old in before.items():
            watchpoint = self.watchpoints[number]
            new = watchpoint.expression(self.words)
            if new != old or watchpoint.accessed is not None:
                changes.append(Change(watchpoint, old, new))
        return tuple(changes)

    def counted(self, stop: Stop) -> Stop:
        """Count a stop; temporary breakpoints are gone after it."""
        for breakpoint in stop.breakpoints:
            breakpoint.hits += 1
            if breakpoint.temporary:
                self.breakpoints.pop(breakpoint.number, None)
        for change in stop.changes:
            change.watchpoint.hits += 1
        return stop
