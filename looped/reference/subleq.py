"""The SUBLEQ interpreter: plain integers, written from the manual.

The instruction at pc is three words a, b, c; all three are fetched before anything is written.

- a = -1 (all ones): one byte of input is stored in mem[b] (-1 at the end of the input).
- b = -1 (all ones): the low byte of mem[a] is written to the output.
- otherwise mem[b] becomes mem[b] - mem[a], wrapped to the width; if the wrapped difference is
  zero or negative, the next instruction is at c.
- in all other cases the next instruction is at pc + 3.

In other dialects the words are b, a, c (`order` 1), or input is added to mem[b] (`input` 1).

A negative program counter halts the machine.

An address is the low bits of an operand or of the program counter.
"""

from __future__ import annotations

from collections.abc import Sequence

from looped.reference.reference import Reference
from looped.trace import Access, Step

__all__ = ["Subleq"]


class Subleq(Reference):
    """A SUBLEQ computer with `memory` words (a power of two) of `width` bits.

    `words` are loaded at address 0, the rest of the memory is zero; `data` is the whole input.
    """

    def __init__(
        self,
        words: Sequence[int],
        width: int,
        memory: int,
        data: bytes = b"",
        entry: int = 0,
        order: int = 0,
        input: int = 0,
    ) -> None:
        super().__init__(words, width, memory, data, entry)
        self.order, self.adds = order, input
        self.position = 0
        self.output = bytearray()

    @property
    def halted(self) -> bool:
        """Whether the program counter is negative."""
        return self.pc >> (self.width - 1) == 1

    def takes_input(self) -> bool:
        """Whether the operand a of the next instruction is -1."""
        return self.memory[(self.pc + self.order) % len(self.memory)] == (1 << self.width) - 1

    def step(self) -> Step:
        """Execute one instruction. Must not be called on a halted machine."""
        ones = (1 << self.width) - 1
        pc = self.pc
        a, b, c = (self.memory[(pc + k) % len(self.memory)] for k in range(3))
        if self.order:
            a, b = b, a
        if a == ones:
            return self._input(b)
        if b == ones:
            return self._output(a)
        source, target = a % len(self.memory), b % len(self.memory)
        reads = (Access(source, self.memory[source]), Access(target, self.memory[target]))
        difference = (self.memory[target] - self.memory[source]) & ones
        self.memory[target] = difference
        nonpositive = difference == 0 or difference >> (self.width - 1) == 1
        self.pc = c if nonpositive else (pc + 3) & ones
        return Step(pc, self.pc, reads, (Access(target, difference),))

    def _input(self, b: int) -> Step:
        ones = (1 << self.width) - 1
        pc, target = self.pc, b % len(self.memory)
        value = ones
        if self.position < len(self.data):
            value = self.data[self.position]
            self.position += 1
        reads = (Access(target, self.memory[target]),) if self.adds else ()
        stored = (self.memory[target] + value) & ones if self.adds else value
        self.memory[target] = stored
        self.pc = (pc + 3) & ones
        return Step(pc, self.pc, reads, (Access(target, stored),), consumed=value)

    def _output(self, a: int) -> Step:
        pc, source = self.pc, a % len(self.memory)
        value = self.memory[source]
        self.output.append(value & 0xFF)
        self.pc = (pc + 3) & ((1 << self.width) - 1)
        return Step(pc, self.pc, (Access(source, value),), emitted=value & 0xFF)
