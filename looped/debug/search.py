"""Search: where a stretch of instructions would have stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

import numpy as np
import numpy.typing as npt

from looped.debug.expressions import Expression
from looped.debug.stops import Breakpoint
from looped.debug.stretch import Past, Stretch
from looped.debug.words import Number, Words
from looped.devices.host import ColumnPort
from looped.errors import LoopedError
from looped.image import Image
from looped.isa.flow import Flow
from looped.registry import machine

__all__ = ["Search", "flow_at", "instruction"]


class Search:
    """Evaluates expressions before each instruction of a stretch.

    A row is a place in it: row n is before instruction n. An expression that has no value there
    counts as a stop: the caller, who evaluates it at that place again, gets the error. All methods
    raise Unseen.
    """

    def __init__(
        self, image: Image, stretch: Stretch, live: ColumnPort, known: Mapping[int, int]
    ) -> None:
        self.stretch = stretch
        self._image = image
        self._past = Past(stretch, live, known)
        self._words = Words(image, self._past)

    def first_hit(self, breakpoints: Iterable[Breakpoint], most: int) -> int:
        """The first row from 1 to `most` - 1 where one of the breakpoints stops, else `most`."""
        for each in breakpoints:
            rows = np.flatnonzero(self.stretch.pcs[1:most] == each.pc) + 1
            start = 0
            while start < len(rows):
                if self._holds(each, int(rows[start])):
                    most = int(rows[start])
                    break
                start = self._next_of(rows, start)
        return most

    def last_hit(self, breakpoints: Iterable[Breakpoint]) -> int:
        """The last row before an instruction where one of the breakpoints stops, else -1."""
        best = -1
        for each in breakpoints:
            rows = np.flatnonzero(self.stretch.pcs[: self.stretch.count] == each.pc)
            for row in reversed(rows[rows > best].tolist()):
                if self._holds(each, row):
                    best = row
                    break
        return best

    def first_change(self, expression: Expression, old: Number, most: int) -> int:
        """The first row from 1 to `most` - 1 where an expression is not `old`, else `most`."""
        row: int | None = 0
        while row is not None and row < most:
            if self.value(expression, row) != old and row:
                return row
            row = self._past.next_change()
        return most

    def last_change(self, expression: Expression, new: Number) -> int:
        """The last instruction that changed an expression, which is now `new`; -1 if none did."""
        row: int | None = self.stretch.count - 1
        while row is not None:
            if self.value(expression, row) != new:
                return row
            row = self._past.previous_change()
        return -1

    def first_access(self, accessed: Expression, most: int) -> int | None:
        """The first of `most` instructions before which an expression is not zero, None without
        one."""
        found = most
        for pc, rows in self._by_pc(most):
            there = self._where(accessed, pc, rows[rows < found])
            found = int(there[0]) if len(there) else found
        return found if found < most else None

    def last_access(self, accessed: Expression) -> int:
        """The last instruction before which an expression is not zero, -1 without one."""
        found = -1
        for pc, rows in self._by_pc(self.stretch.count):
            there = self._where(accessed, pc, rows[rows > found])
            found = int(there[-1]) if len(there) else found
        return found

    def _where(
        self, expression: Expression, pc: int, rows: npt.NDArray[np.intp]
    ) -> npt.NDArray[np.intp]:
        """Those of `rows`, all at one program counter, where an expression is not zero.

        It is evaluated once for all rows at which the words that it reads have the same values.
        """
        if not len(rows):
            return rows
        self.value(expression, int(rows[0]), pc)
        read, kinds = self._past.read_words(), np.zeros(len(rows), np.intp)
        for word in read:
            _, kind = np.unique(self._past.values(word, rows), return_inverse=True)
            _, kinds = np.unique(kinds * (kind.max() + 1) + kind, return_inverse=True)
        order = np.argsort(kinds, kind="stable")
        ends = np.flatnonzero(np.diff(kinds[order])) + 1
        holds = np.zeros(len(rows), np.bool_)
        for mine in np.split(order, ends):
            holds[mine] = self.value(expression, int(rows[mine[0]]), pc) != 0
            if self._past.read_words() != read:  # these values lead to other words
                for place in mine.tolist():
                    holds[place] = self.value(expression, int(rows[place]), pc) != 0
        return rows[holds]

    def _by_pc(self, most: int) -> Iterator[tuple[int, npt.NDArray[np.intp]]]:
        """Each program counter of the first `most` instructions, and where the run is there."""
        pcs = self.stretch.pcs[:most]
        order = np.argsort(pcs, kind="stable")
        known, starts = np.unique(pcs[order], return_index=True)
        yield from zip(known.tolist(), np.split(order, starts[1:]), strict=True)

    def places(self, wanted: Callable[[int], bool]) -> npt.NDArray[np.bool_]:
        """At rows 1 to count: whether the program counter is a wanted one."""
        pcs, places = np.unique(self.stretch.pcs[1:], return_inverse=True)
        return np.array([wanted(pc) for pc in pcs.tolist()], np.bool_)[places]

    def flows(self) -> npt.NDArray[np.int64]:
        """For each instruction 1 if it calls, -1 if it returns, else 0."""
        pcs, places = np.unique(self.stretch.pcs[:-1], return_inverse=True)
        stored = self.stretch.stored()
        flows = np.zeros(self.stretch.count, np.int64)
        by_pc = np.zeros(len(pcs), np.int64)
        changing = []
        for number, pc in enumerate(pcs.tolist()):
            if stored.isdisjoint(_columns(self._image, pc)):
                by_pc[number] = flow_at(self._image, self._past, pc).value
            else:
                changing.append(number)
        flows = by_pc[places]
        for row in np.flatnonzero(np.isin(places, changing)).tolist() if changing else ():
            self._past.go_to(row)
            flows[row] = flow_at(self._image, self._past, int(self.stretch.pcs[row])).value
        return flows

    def _holds(self, breakpoint: Breakpoint, row: int) -> bool:
        condition = breakpoint.condition
        return condition is None or self.value(condition[1], row) != 0

    def _next_of(self, rows: npt.NDArray[np.intp], start: int) -> int:
        """After a condition that does not hold: the next of `rows` at which it may hold."""
        changed = self._past.next_change()
        return len(rows) if changed is None else max(start + 1, int(np.searchsorted(rows, changed)))

    def value(self, expression: Expression, row: int, pc: int | None = None) -> Number | None:
        """The value at a row; None if it has none there. `pc` is the program counter of all rows
        that matter: to read it is no reason to look again."""
        self._past.go_to(row, pc)
        try:
            return expression(self._words)
        except LoopedError:
            return None


def instruction(image: Image, port: ColumnPort, pc: int) -> tuple[int, ...] | None:
    """The words of the instruction at a program counter, None outside memory."""
    columns = _columns(image, pc)
    return None if columns.stop > port.size else tuple(port.memory(index) for index in columns)


def flow_at(image: Image, port: ColumnPort, pc: int) -> Flow:
    """Whether the instruction at a program counter calls a function or returns from one."""
    words, flow = instruction(image, port, pc), machine(image.machine).flow
    return Flow.NEITHER if words is None or flow is None else flow(words)


def _columns(image: Image, pc: int) -> range:
    first = image.index(pc)
    return range(first, first + machine(image.machine).instruction_words)
