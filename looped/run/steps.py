"""Complete steps: what an instruction did, read off the columns that its loops have changed."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from looped.artefact.embedding import read_word
from looped.run.computer import Computer, Event
from looped.trace import Access, Step

__all__ = ["Observer"]


class Observer:
    """Follows the only program of a computer, one instruction at a time.

    It copies the values of memory and registers once; then a step costs what it changes. A step's
    `writes` and `registers` are the words whose value has changed, in ascending order, and then
    those that a host has set while it served a trap. A store of the value that was there leaves no
    trace in the residual stream, so it is not among them. Nor is a load: `reads` is empty.
    """

    def __init__(self, computer: Computer) -> None:
        self._computer = computer
        self._plan = computer.plan
        self._lanes = np.array(computer.plan.words["value"], np.intp)
        computer.engine.changes()
        self._values = self._all_values()

    def step(self, event: Event) -> Step:
        """The instruction that an event has retired, since the one before."""
        served = {column for column, _ in event.served}
        own = [change for change in self._changes() if change[0] not in served]
        memory = self._plan.memory
        changes = [*own, *event.served]
        return Step(
            event.pc,
            event.next_pc,
            writes=tuple(Access(c, value) for c, value in changes if c < memory),
            consumed=event.consumed,
            emitted=event.emitted,
            registers=tuple(Access(c - memory, value) for c, value in changes if c >= memory),
            cause=event.cause,
            written=event.written,
        )

    def _changes(self) -> Iterator[tuple[int, int]]:
        """The words of memory and registers that have changed: column and value."""
        columns = self._computer.engine.changes()
        everything = self._all_values() if len(columns) == self._plan.columns else None
        for column in columns[columns < self._plan.cpu].tolist():
            value = self._value(column) if everything is None else int(everything[column])
            if value != self._values[column]:
                self._values[column] = value
                yield column, value

    def _value(self, column: int) -> int:
        return int(read_word(self._computer.engine.read(column, self._lanes)[0]))

    def _all_values(self) -> list[int]:
        columns = self._computer.state()[0, : self._plan.cpu]
        values: list[int] = read_word(columns[:, self._lanes]).tolist()
        return values
