"""Observer: all that an instruction read and wrote, with values from the residual stream."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from looped.artefact.embedding import read_word
from looped.devices.accesses import Accesses
from looped.devices.host import ColumnPort
from looped.engines.engine import NO_LANES, NOTHING, Watch
from looped.image import Image
from looped.registry import machine
from looped.run.computer import Computer, Event
from looped.trace import Access, Step

__all__ = ["Observer"]


class _Before:
    """The words of a machine, some of memory as they were before."""

    def __init__(self, port: ColumnPort, before: Mapping[int, int]) -> None:
        self.plan, self.size, self.register, self.cpu = (
            port.plan,
            port.size,
            port.register,
            port.cpu,
        )
        self._port, self._before = port, before

    def memory(self, index: int) -> int:
        """A word of memory."""
        return self._before[index] if index in self._before else self._port.memory(index)


class Observer:
    """Follows the only program of a computer, one instruction at a time.

    Call `look` before an instruction and `step` after it. The machine's `accesses` say which words
    an instruction accesses; their values come from the residual stream. A step also has every other
    word of memory and every other register that has changed; what a host set while it served a trap
    comes last. If a trap stops an instruction, its step has only what has changed. An instruction
    of several loops that writes to its own words is decoded again after each such loop. The
    observer copies the values of memory and registers once; after that a step costs time for what
    it accesses and changes.
    """

    def __init__(self, computer: Computer, image: Image, port: ColumnPort) -> None:
        self._computer, self._image, self._port = computer, image, port
        self._plan = computer.plan
        self._machine = machine(image.machine)
        self._lanes = np.array(computer.plan.words["value"], np.intp)
        computer.engine.changes()
        self._values = self._all_values()
        self._accesses = Accesses()
        self._reads: tuple[Access, ...] = ()
        self._earlier: tuple[list[Access], list[Access]] = ([], [])
        self._own: dict[int, int] = {}
        self._busy = NO_LANES if self._plan.busy is None else np.array([self._plan.busy], np.intp)

    def look(self) -> None:
        """Decode the next instruction, and read the values that it reads."""
        self._decode()
        self._earlier = ([], [])
        if self._plan.busy is not None:
            first = self._image.index(self._port.cpu("pc"))
            places = (first + n for n in range(self._machine.instruction_words))
            own = {place % self._plan.memory for place in places}
            if not own.isdisjoint(self._accesses.writes):
                self._own = {place: self._port.memory(place) for place in own}
                self._computer.passes = self._loop_by_loop

    def step(self, event: Event) -> Step:
        """The step of the instruction that has retired since `look`."""
        self._computer.passes = self._computer.engine.advance
        completed = event.cause is None or event.cause in self._machine.causes_of_next
        completed = completed and self._machine.has_completed(self._port)
        told, memory = self._accesses if completed else Accesses(), self._plan.memory
        declared = [*told.writes, *(memory + number for number in told.registers)]
        served = {column for column, _ in event.served}
        columns = dict.fromkeys([*declared, *self._changed()])
        own = [(c, self._value(c)) for c in columns if c not in served]
        changes = [*own, *event.served]
        return Step(
            event.pc,
            event.next_pc,
            reads=(*self._earlier[0], *(self._reads_of(told) if completed else ())),
            writes=(*self._earlier[1], *(Access(c, value) for c, value in changes if c < memory)),
            consumed=event.consumed,
            emitted=event.emitted,
            registers=tuple(Access(c - memory, value) for c, value in changes if c >= memory),
            cause=event.cause,
            written=event.written,
        )

    def _decode(self) -> None:
        self._accesses = self._machine.accesses(self._image, self._port)
        self._reads = tuple(Access(c, self._port.memory(c)) for c in self._accesses.reads)

    def _loop_by_loop(self, loops: int, watch: Watch = NOTHING) -> int:
        """What `advance` of the engine does, with a look at the instruction after each loop."""
        engine, done, stop = self._computer.engine, 0, False
        while done < loops and not stop:
            engine.step()
            if engine.read(self._plan.cpu, self._busy)[0, 0] > 0:
                self._decode_again()
            stop, counts = watch.seen(engine.read(watch.column, watch.lanes)[0])
            done += counts
        return done

    def _decode_again(self) -> None:
        """If the instruction has written to its own words: note what it did, decode the rest."""
        now = {place: self._port.memory(place) for place in self._own}
        if now == self._own:
            return
        rest = self._machine.accesses(self._image, _Before(self._port, self._own))
        told, self._own = self._accesses.without(rest), now
        self._reads = self._reads[: len(told.reads)]
        columns = dict.fromkeys([*told.writes, *self._changed()])
        self._earlier[0].extend(self._reads_of(told))
        self._earlier[1].extend(Access(c, self._value(c)) for c in columns)
        self._decode()

    def _reads_of(self, told: Accesses) -> tuple[Access, ...]:
        """The reads, each with the value that its word had at that time."""
        if not told.late:
            return self._reads
        return tuple(
            Access(read.address, self._value(read.address)) if n in told.late else read
            for n, read in enumerate(self._reads)
        )

    def _changed(self) -> Iterable[int]:
        """The columns of memory and registers whose word has changed, in ascending order."""
        columns = self._computer.engine.changes()
        everything = self._all_values() if len(columns) == self._plan.columns else None
        return list(self._differing(columns[columns < self._plan.cpu].tolist(), everything))

    def _differing(self, columns: list[int], everything: list[int] | None) -> Iterator[int]:
        for column in columns:
            value = self._value(column) if everything is None else everything[column]
            if value != self._values[column]:
                self._values[column] = value
                yield column

    def _value(self, column: int) -> int:
        return int(read_word(self._computer.engine.read(column, self._lanes)[0]))

    def _all_values(self) -> list[int]:
        values: list[int] = self._computer.values().tolist()
        return values
