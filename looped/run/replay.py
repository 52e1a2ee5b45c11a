"""Replay: records of instructions, from tapes of the residual stream."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import numpy as np

from looped.artefact.plan import Plan
from looped.devices.accesses import Accesses
from looped.engines.engine import NO_LANES
from looped.engines.recording import Recording
from looped.engines.tape import Tape
from looped.image import Image
from looped.registry import machine
from looped.run.computer import Computer, Event
from looped.traces.memory import Memory
from looped.traces.record import Read, Record, RegisterWrite, Write

__all__ = ["Replay"]


class _View:
    """The words of a machine before one pass of a tape, as `accesses` reads them."""

    def __init__(self, plan: Plan, values: list[int]) -> None:
        self.plan = plan
        self.size = plan.memory
        self.row = 0
        self._values = values
        self._lanes = {name: np.array(lanes, np.intp) for name, lanes in plan.words.items()}
        self._tape: Tape | None = None
        self._words: dict[str, list[int]] = {}

    def load(self, tape: Tape) -> None:
        """Read from this tape."""
        self._tape, self._words = tape, {}

    def memory(self, index: int) -> int:
        """A word of memory."""
        return self._values[index]

    def register(self, number: int) -> int:
        """A register of the register file."""
        return self._values[self.size + number]

    def cpu(self, name: str) -> int:
        """A word of the CPU."""
        words = self._words.get(name)
        return (self.rows(name) if words is None else words)[self.row]

    def rows(self, name: str) -> list[int]:
        """A word of the CPU before the first pass, and after each one."""
        if name not in self._words:
            assert self._tape is not None
            self._words[name] = self._tape.word(self._lanes[name]).tolist()
        return self._words[name]


class Replay:
    """Follows the only program of a computer in stretches, and makes a record per instruction.

    Between `begin` and `end` the computer records its passes. All values are those of the residual
    stream: memory and registers once at the beginning, then what each pass stored. A record says
    what a step of `Observer` says.

    An instruction of several loops that writes to one of its own words is decoded again: its record
    has what it did before, then the rest.
    """

    def __init__(self, computer: Computer, image: Image, steps: int) -> None:
        self._computer, self._image, self._plan = computer, image, computer.plan
        self._machine = machine(image.machine)
        self._recording = Recording(computer.engine, computer.plan)
        self._values: list[int] = computer.values().tolist()
        self._memory = Memory(self._plan, image, self._values, steps)
        self._view = _View(self._plan, self._values)
        self._busy = NO_LANES if self._plan.busy is None else np.array([self._plan.busy])
        self._begun = False
        self._changed: dict[int, int] = {}
        self._loops = 0
        self._own: frozenset[int] = frozenset()
        self._earlier: tuple[list[Read], list[Write], list[RegisterWrite]] = ([], [], [])

    def begin(self) -> None:
        """Record from now on."""
        self._computer.passes = self._recording.advance

    def end(self) -> None:
        """Record no longer."""
        self._computer.passes = self._computer.engine.advance

    def records(self, event: Event | None) -> Iterator[Record]:
        """The records of a stretch whose last loop is `event`, or None if it still waits."""
        tapes = self._recording.take()
        for tape in tapes[:-1]:
            yield from self._passes(tape, len(tape))
        if tapes:
            yield from self._passes(tapes[-1], len(tapes[-1]) - 1)
            if self._begun and event is not None and event.retired:
                yield self._finish(event)
            elif self._begun and not (event is not None and event.busy):
                self._begun, self._loops = False, 0
        elif event is not None and event.retired:  # its passes came before this trace
            self._begin_at(event.pc, Accesses())
            yield self._finish(event)

    def _passes(self, tape: Tape, retired: int) -> Iterator[Record]:
        """Follow the passes of a tape; records of those among the first `retired` that retire."""
        view, values, changed = self._view, self._values, self._changed
        view.load(tape)
        pcs, busy, cpu = view.rows("pc"), tape.any(self._busy).tolist(), self._plan.cpu
        stores = list(zip(tape.columns.T.tolist(), tape.values.T.tolist(), strict=True))
        for number in range(len(tape)):
            if not self._begun:
                view.row = number
                self._begin_at(pcs[number], self._machine.accesses(self._image, view))
            rewrites = busy[number] and not self._own.isdisjoint(c[number] for c, _ in stores)
            if rewrites:
                view.row = number + 1
                self._forget(self._machine.accesses(self._image, view))
            for columns, words in stores:
                column, value = columns[number], words[number]
                if 0 <= column < cpu and values[column] != value:
                    changed.setdefault(column, values[column])
                    values[column] = value
            if rewrites:
                self._decode_again(self._machine.accesses(self._image, view))
            self._loops += 1
            if not busy[number]:
                view.row = number + 1
                self._forget_trapped()
            if number < retired and not busy[number]:
                yield self._retire(pcs[number + 1])

    def _begin_at(self, pc: int, told: Accesses) -> None:
        """Note what an instruction reads before it runs."""
        self._begun, self._pc, self._told = True, pc, told
        self._code, self._own = self._memory.code(pc), self._memory.places(pc)
        at = self._image.address
        self._reads = tuple([Read(at(column), self._values[column]) for column in told.reads])

    def _forget_trapped(self) -> None:
        """Forget what was decoded if the instruction has not completed."""
        if not self._machine.has_completed(self._view):
            self._told, self._reads = Accesses(), ()

    def _forget(self, rest: Accesses) -> None:
        """Of what was decoded, forget the rest: the instruction writes to one of its own words."""
        self._told = self._told.without(rest)
        self._reads = self._reads[: len(self._told.reads)]

    def _decode_again(self, rest: Accesses) -> None:
        """Note what an instruction has done, and what the rest of it reads, after such a write."""
        reads, writes, registers = self._earlier
        reads += self._reads_of(self._told)
        more, more_registers = self._changes(self._told)
        writes += more
        registers += more_registers
        at = self._image.address
        self._told = rest
        self._reads = tuple([Read(at(column), self._values[column]) for column in rest.reads])

    def _whole(
        self, reads: tuple[Read, ...], writes: list[Write], registers: list[RegisterWrite]
    ) -> tuple[tuple[Read, ...], list[Write], list[RegisterWrite]]:
        """All that an instruction did, with what it did before it was decoded again."""
        read, wrote, wrote_registers = self._earlier
        if not (read or wrote or wrote_registers):
            return reads, writes, registers
        self._earlier = ([], [], [])
        return (*read, *reads), [*wrote, *writes], [*wrote_registers, *registers]

    def _retire(self, next_pc: int) -> Record:
        """The record of an instruction that has finished, and needed no host."""
        reads = self._reads_of(self._told) if self._told.late else self._reads
        reads, writes, registers = self._whole(reads, *self._changes(self._told))
        self._begun, loops, self._loops = False, self._loops, 0
        return self._memory.record(self._pc, next_pc, self._code, loops, reads, writes, registers)

    def _finish(self, event: Event) -> Record:
        """The record of the instruction that the last loop of a stretch has finished."""
        completed = event.cause is None or event.cause in self._machine.causes_of_next
        reads = self._reads_of(self._told) if completed else ()
        set_by_host = {column for column, _ in event.served}
        for column in self._changed.keys() & set_by_host:
            self._values[column] = self._changed.pop(column)
        writes, registers = self._changes(self._told if completed else Accesses(), set_by_host)
        memory, at = self._plan.memory, self._image.address
        for column, value in event.served:
            old, self._values[column] = self._values[column], value
            if column < memory:
                writes.append(Write(at(column), old, value))
            else:
                registers.append(RegisterWrite(column - memory, old, value))
        reads, writes, registers = self._whole(reads, writes, registers)
        self._begun, loops, self._loops = False, self._loops, 0
        return self._memory.record(
            *(self._pc, event.next_pc, self._code, loops, reads, writes, registers),
            *(event.consumed, _output(event), event.cause),
        )

    def _reads_of(self, told: Accesses) -> tuple[Read, ...]:
        """The reads, each with the value that its word had at that time."""
        pairs = enumerate(zip(told.reads, self._reads, strict=True))
        return tuple(
            Read(read.address, self._values[column]) if number in told.late else read
            for number, (column, read) in pairs
        )

    def _changes(
        self, told: Accesses, without: Collection[int] = ()
    ) -> tuple[list[Write], list[RegisterWrite]]:
        """What an instruction wrote as it says, then every other word that has changed."""
        values, changed, memory = self._values, self._changed, self._plan.memory
        at, writes, registers = self._image.address, [], []
        for column in told.writes:
            if column not in without:
                old = changed.pop(column, values[column])
                writes.append(Write(at(column), old, values[column]))
        for number in told.registers:
            column = memory + number
            if column not in without:
                old = changed.pop(column, values[column])
                registers.append(RegisterWrite(number, old, values[column]))
        for column in sorted(changed) if changed else ():
            if column < memory:
                writes.append(Write(at(column), changed[column], values[column]))
            else:
                number = column - memory
                registers.append(RegisterWrite(number, changed[column], values[column]))
        changed.clear()
        return writes, registers


def _output(event: Event) -> bytes:
    return event.written if event.emitted is None else bytes([event.emitted])
