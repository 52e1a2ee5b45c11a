"""Memory: the words of memory and registers beside a run, and the instructions in them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

from looped.artefact.plan import Plan
from looped.image import Image
from looped.registry import machine
from looped.trace import Step
from looped.traces.record import Read, Record, RegisterWrite, Write

__all__ = ["Code", "Memory"]

Code = tuple[tuple[int, ...], str, str | None]
"""The words of an instruction, its text, and its source line."""


_CODES = 1 << 14
"""Instructions whose text is kept: a program that changes itself often changes itself back."""


class Memory:
    """The words of memory, then those of the registers, as far as a trace has come.

    It knows old values, and the words and the text of each instruction. `steps` and `loops` count
    what has been recorded.
    """

    def __init__(self, plan: Plan, image: Image, values: list[int], steps: int = 0) -> None:
        self.plan = plan
        self.image = image
        self.values = values
        self.steps = steps
        self.loops = 0
        self._machine = machine(image.machine)
        self._length = self._machine.instruction_words * image.addresses_per_word
        self._ones = (1 << image.width) - 1
        padded = image.padded(plan.memory)
        self._baked = {place: padded[place] for place in plan.code}
        self._told = lru_cache(_CODES)(self._code_of)
        self._known: dict[int, tuple[slice, Sequence[int], Code, frozenset[int]]] = {}

    def code(self, pc: int) -> Code:
        """Words, text and source line of the instruction at `pc`, as the words are now."""
        known = self._known.get(pc)
        if known is not None and self.values[known[0]] == known[1]:
            return known[2]
        places = self._places(pc)
        words = [self._baked.get(place, self.values[place]) for place in places]
        code = self._told(pc, tuple(words))
        if places and places[-1] >= places[0]:  # it does not wrap around the end of memory
            span = slice(places[0], places[-1] + 1)
            self._known[pc] = span, self.values[span], code, frozenset(places)
        return code

    def places(self, pc: int) -> frozenset[int]:
        """The words of the instruction at `pc`, by their indices."""
        known = self._known.get(pc)
        return frozenset(self._places(pc)) if known is None else known[3]

    def _code_of(self, pc: int, words: tuple[int, ...]) -> Code:
        text = self._machine.disassemble(words, pc, self.image.width) if words else None
        location = self.image.location(pc)
        return words, text or "", None if location is None else str(location)

    def _places(self, pc: int) -> list[int]:
        """The words of the instruction at `pc`; none outside a memory whose addresses do not wrap
        around."""
        size, count = self.plan.memory, self._machine.instruction_words
        first = self.image.index(pc)
        if self.image.addresses_per_word > 1 and first >= size:
            return []
        return [(first + place) % size for place in range(count)]

    def record(
        self,
        pc: int,
        next_pc: int,
        code: Code,
        loops: int,
        reads: Iterable[Read],
        writes: Iterable[Write],
        registers: Iterable[RegisterWrite],
        consumed: int | None = None,
        output: bytes = b"",
        trap: int | None = None,
    ) -> Record:
        """The record of the next instruction, which took `loops` passes."""
        self.steps += 1
        self.loops += loops
        return Record(
            self.steps,
            self.loops,
            pc,
            next_pc,
            *code,
            tuple(reads),
            tuple(writes),
            tuple(registers),
            next_pc != (pc + self._length) & self._ones and trap is None,
            consumed,
            output.decode("latin-1"),
            trap,
        )

    def follow(self, step: Step) -> Record:
        """The record of a step of the reference; the words become those that the step wrote."""
        code, at = self.code(step.pc), self.image.address
        reads = [Read(at(read.address), read.value) for read in step.reads]
        writes, registers = [], []
        for write in step.writes:
            writes.append(Write(at(write.address), self.values[write.address], write.value))
            self.values[write.address] = write.value
        for write in step.registers:
            column = self.plan.memory + write.address
            registers.append(RegisterWrite(write.address, self.values[column], write.value))
            self.values[column] = write.value
        return self.record(
            *(step.pc, step.next_pc, code, 1, reads, writes, registers),
            *(step.consumed, step.output, step.cause),
        )
