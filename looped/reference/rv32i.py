"""The RV32I interpreter: plain integers, written from the unprivileged specification, chapter 2.

Memory is little-endian words from the byte address `base` on. With a `second` region it alternates:
words of even number are from `base` on, words of odd number from `second` on. The highest bit in
which these two addresses differ says for which region an address is; a load or store whose base
register differs from its address in that bit traps as if outside memory.

Registers are x0 to x31, x0 is always zero. A trap changes nothing except the trap itself and its
cause (the numbers of `mcause`, privileged specification, table "Machine cause register values after
trap"): the program counter stays at the instruction that trapped. Misaligned loads and stores trap,
and a misaligned address takes precedence over one outside memory. A jump to an address outside
memory completes, and the next fetch traps at once: the program counter is then the address of that
fetch. The same holds past the last word of memory. FENCE does nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from looped.reference.reference import Reference
from looped.trace import Access, Step

__all__ = ["Rv32i", "Trap"]

_FETCH_MISALIGNED, _FETCH_FAULT, _ILLEGAL, _BREAKPOINT = 0, 1, 2, 3
_LOAD_MISALIGNED, _LOAD_FAULT, _STORE_MISALIGNED, _STORE_FAULT = 4, 5, 6, 7
_ECALL = 11

_MASK = 0xFFFFFFFF


class Trap(Exception):
    """An instruction that cannot be completed, by its cause."""

    def __init__(self, cause: int) -> None:
        super().__init__(cause)
        self.cause = cause


class Rv32i(Reference):
    """An RV32I hart with `memory` words of 32 bits; `words` are loaded from word 0 on.

    Execution begins at `entry`. The hart has no input: `data` is for the system that serves its
    traps. If `second` is not 0, there is a second region of memory.
    """

    def __init__(
        self,
        words: Sequence[int],
        width: int,
        memory: int,
        data: bytes = b"",
        entry: int = 0,
        base: int = 0,
        second: int = 0,
    ) -> None:
        super().__init__(words, width, memory, data, entry)
        self.base, self.second = base, second
        self.telling = 1 << (base ^ second).bit_length() - 1 if second else 0
        self.x = [0] * 32
        self.trap = 0
        self.cause = 0

    @property
    def halted(self) -> bool:
        """Whether the hart has trapped, and no system has served the trap yet."""
        return self.trap == 1

    def cpu_words(self) -> Mapping[str, int]:
        """The program counter, the trap and its cause."""
        return {"pc": self.pc, "trap": self.trap, "cause": self.cause}

    def step(self) -> Step:
        """Execute one instruction. Must not be called on a hart that has trapped."""
        pc = self.pc
        self.reads: list[Access] = []
        self.writes: list[Access] = []
        self.registers: list[Access] = []
        try:
            self.pc = self._execute(self.memory[self.index(pc)])
            if self.index(self.pc) >= len(self.memory):
                self._raise(_FETCH_FAULT)
        except Trap as trap:
            self._raise(trap.cause)
        return Step(
            pc,
            self.pc,
            tuple(self.reads),
            tuple(self.writes),
            registers=tuple(self.registers),
            cause=self.cause if self.trap else None,
        )

    def _raise(self, cause: int) -> None:
        self.trap, self.cause = 1, cause

    def _execute(self, word: int) -> int:
        """Execute an instruction; returns the next program counter."""
        opcode, rd, rs1, rs2 = word & 127, word >> 7 & 31, word >> 15 & 31, word >> 20 & 31
        funct3, funct7 = word >> 12 & 7, word >> 25
        a, b, following = self.x[rs1], self.x[rs2], self.pc + 4 & _MASK
        immediate = _signed(word >> 20, 12)
        if opcode == 0b0110111:  # LUI
            self._set(rd, word & 0xFFFFF000)
        elif opcode == 0b0010111:  # AUIPC
            self._set(rd, self.pc + (word & 0xFFFFF000))
        elif opcode == 0b1101111:  # JAL
            return self._jump(rd, self.pc + _jump_offset(word))
        elif opcode == 0b1100111 and funct3 == 0:  # JALR
            return self._jump(rd, a + immediate & ~1)
        elif opcode == 0b1100011:
            if _branches(funct3, a, b):
                return self._target(self.pc + _branch_offset(word))
        elif opcode == 0b0000011:
            self._load(rd, funct3, a, a + immediate & _MASK)
        elif opcode == 0b0100011:
            offset = _signed(word >> 25 << 5 | word >> 7 & 31, 12)
            self._store(funct3, a, a + offset & _MASK, b)
        elif opcode == 0b0010011:
            shift = funct3 in (1, 5)
            self._set(rd, _alu(funct3, funct7 if shift else 0, a, immediate & _MASK))
        elif opcode == 0b0110011:
            if funct7 == 32 and funct3 == 0:
                self._set(rd, a - b)
            else:
                self._set(rd, _alu(funct3, funct7, a, b))
        elif word == 0x00000073:
            raise Trap(_ECALL)
        elif word == 0x00100073:
            raise Trap(_BREAKPOINT)
        elif not (opcode == 0b0001111 and funct3 == 0):  # FENCE
            raise Trap(_ILLEGAL)
        return following

    def _set(self, rd: int, value: int) -> None:
        if rd != 0:
            self.x[rd] = value & _MASK
            self.registers.append(Access(rd, value & _MASK))

    def _target(self, address: int) -> int:
        if address & 3:
            raise Trap(_FETCH_MISALIGNED)
        return address & _MASK

    def _jump(self, rd: int, address: int) -> int:
        target = self._target(address)
        self._set(rd, self.pc + 4)
        return target

    def _load(self, rd: int, funct3: int, start: int, address: int) -> None:
        if funct3 not in (0, 1, 2, 4, 5):
            raise Trap(_ILLEGAL)
        size = 1 << (funct3 & 3)
        word = self._word(start, address, size, _LOAD_MISALIGNED, _LOAD_FAULT)
        self.reads.append(Access(self.index(address), word))
        value = word >> 8 * (address & 3) & (1 << 8 * size) - 1
        self._set(rd, value if funct3 & 4 else _signed(value, 8 * size))

    def _store(self, funct3: int, start: int, address: int, value: int) -> None:
        if funct3 not in (0, 1, 2):
            raise Trap(_ILLEGAL)
        size = 1 << funct3
        word = self._word(start, address, size, _STORE_MISALIGNED, _STORE_FAULT)
        at, ones = 8 * (address & 3), (1 << 8 * size) - 1
        word = word & ~(ones << at) | (value & ones) << at
        self.memory[self.index(address)] = word
        self.writes.append(Access(self.index(address), word))

    def _word(self, start: int, address: int, size: int, misaligned: int, fault: int) -> int:
        """The memory word that holds `size` bytes at an address, which a register `start` leads
        to."""
        if address % size:
            raise Trap(misaligned)
        if (start ^ address) & self.telling or self.index(address) >= len(self.memory):
            raise Trap(fault)
        return self.memory[self.index(address)]

    def index(self, address: int) -> int:
        """The memory word that an address lies in; too high a number outside memory."""
        if self.second == 0:
            return (address - self.base & _MASK) >> 2
        if (address ^ self.base) & self.telling:
            return (address - self.second & _MASK) >> 2 << 1 | 1
        return (address - self.base & _MASK) >> 2 << 1


def _signed(value: int, width: int) -> int:
    """A two's complement number of `width` bits as an integer."""
    value &= (1 << width) - 1
    return value - (1 << width) if value >> width - 1 else value


def _branch_offset(word: int) -> int:
    low = (word >> 8 & 15) << 1 | (word >> 25 & 63) << 5
    return _signed(low | (word >> 7 & 1) << 11 | word >> 31 << 12, 13)


def _jump_offset(word: int) -> int:
    low = (word >> 21 & 1023) << 1 | (word >> 20 & 1) << 11
    return _signed(low | (word >> 12 & 255) << 12 | word >> 31 << 20, 21)


def _branches(funct3: int, a: int, b: int) -> bool:
    match funct3:
        case 0 | 1:  # BEQ, BNE
            holds = a == b
        case 4 | 5:  # BLT, BGE
            holds = _signed(a, 32) < _signed(b, 32)
        case 6 | 7:  # BLTU, BGEU
            holds = a < b
        case _:
            raise Trap(_ILLEGAL)
    return holds != bool(funct3 & 1)


def _alu(funct3: int, funct7: int, a: int, b: int) -> int:
    """Every register-immediate and register-register operation except SUB."""
    match funct3, funct7:
        case 0, 0:
            return a + b
        case 1, 0:
            return a << (b & 31)
        case 2, 0:
            return int(_signed(a, 32) < _signed(b, 32))
        case 3, 0:
            return int(a < b)
        case 4, 0:
            return a ^ b
        case 5, 0:
            return a >> (b & 31)
        case 5, 32:
            return _signed(a, 32) >> (b & 31)
        case 6, 0:
            return a | b
        case 7, 0:
            return a & b
        case _:
            raise Trap(_ILLEGAL)
