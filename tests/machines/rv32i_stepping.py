"""One instruction after the other on one machine, each in a state made for it.

A machine is loaded once and then changed between two loops, as a host may do: the word at the
program counter, the registers that it names, the program counter itself. So a case costs less than
a millisecond on the event engine. Operands are biased to corners, addresses and targets to memory.
"""

from __future__ import annotations

import random

import numpy as np

from looped.artefact.embedding import embed_words
from looped.artefact.plan import CompiledMachine
from looped.engines.event import EventEngine
from looped.image import Image
from looped.isa.rv32i import INSTRUCTIONS, decode, encode
from looped.reference import Rv32i
from looped.verify.expected import Expected
from tests.machines.rv32i_cases import MASK, operand, some_word

_HIGH = 1 << 31
_REACHES = {"B": 4096, "J": 1 << 20}


class Stepping:
    """The event engine and the reference, side by side in the same state."""

    def __init__(self, machine: CompiledMachine, rng: random.Random) -> None:
        self.plan = machine.plan
        self.memory = machine.plan.memory
        self.rng = rng
        self.engine = EventEngine(machine)
        words = tuple(operand(rng, self.memory) for _ in range(self.memory))
        self.expected = Expected(
            Image("rv32i", 32, words, addresses_per_word=4), self.plan, b"", served=False
        )
        self.engine.load(self.expected.x[None])
        assert isinstance(self.expected.reference, Rv32i)
        self.hart = self.expected.reference
        for number in range(1, 32):
            self.set_register(number, operand(rng, self.memory))

    def case(self, mnemonic: str | None) -> str | None:
        """Execute one instruction (or a word that is mostly none) somewhere; None if all of the
        state is that of the reference, else what was executed and where it differs."""
        place = self.rng.choice((0, self.memory - 1, self.rng.randrange(self.memory)))
        pc = 4 * place
        word = self._word(mnemonic, pc)
        self._set_cpu("pc", pc)
        self._set_cpu("trap", 0)
        self._set_cpu("cause", 0)
        self._set(place, word)
        self.hart.memory[place] = word
        self._prepare_operands(word)
        self.expected.step()
        self.engine.step()
        places = np.argwhere(self.engine.state()[0] != self.expected.x)
        if not len(places):
            return None
        column, lane = (int(i) for i in places[0])
        where = f"{self.plan.column_name(column)}, {self.plan.lane_name(lane)}"
        return f"{word:#010x} ({mnemonic}) at {pc:#x}: {where}"

    def set_register(self, number: int, value: int) -> None:
        """Change a register on both sides; x0 stays zero."""
        if number != 0:
            self.hart.x[number] = value
            self._set(self.memory + number, value)

    def _prepare_operands(self, word: int) -> None:
        """Put corner values into the registers that a word names, or addresses into rs1."""
        rs1, rs2 = word >> 15 & 31, word >> 20 & 31
        x = operand(self.rng, self.memory)
        instruction = decode(word)
        if instruction is not None and self.rng.random() < 0.6:
            encoding = INSTRUCTIONS[instruction.mnemonic]
            if encoding.format == "S" or encoding.opcode in (0x03, 0x67):
                x = self._address() - instruction.imm & MASK
        self.set_register(rs2, x if self.rng.random() < 0.2 else operand(self.rng, self.memory))
        self.set_register(rs1, x)

    def _word(self, mnemonic: str | None, pc: int) -> int:
        """An encoding of an instruction; a branch or jump often leads to somewhere in memory."""
        if mnemonic is None or self.rng.random() < 0.4:
            return some_word(self.rng, mnemonic)
        reach = _REACHES.get(INSTRUCTIONS[mnemonic].format, 0)
        offset = (self._address() & ~1) - pc
        if not -reach <= offset < reach:
            return some_word(self.rng, mnemonic)
        if INSTRUCTIONS[mnemonic].format == "J":
            return encode(mnemonic, self.rng.randrange(32), imm=offset)
        rs1, rs2 = self.rng.randrange(32), self.rng.randrange(32)
        return encode(mnemonic, rs1=rs1, rs2=rs2, imm=offset)

    def _address(self) -> int:
        """An address in memory, at any byte."""
        return self.rng.choice((0, 0, _HIGH)) + self.rng.randrange(4 * self.memory)

    def _set_cpu(self, name: str, value: int) -> None:
        setattr(self.hart, name, value)
        self._set(self.plan.cpu, value, name)

    def _set(self, column: int, value: int, name: str = "value") -> None:
        """Change a word; a program counter has zeros in its two lowest bits for good."""
        self.expected.set(column, name, value)
        lanes = np.array(self.plan.words[name], np.intp)
        first = 2 if name == "pc" else 0
        values = embed_words(value, len(lanes))
        self.engine.write(0, column, lanes[first:], values[first:])
