"""Privileged instructions, traps and misaligned accesses of a RISC-V hart, by the manuals.

All control registers begin with zero and keep the written value; a write to one from 0xc00 on is
illegal. MRET goes to mepc; WFI and FENCE.I do nothing. With mtvec set, every other trap goes there
(Zicsr; privileged specification, 2.1, 3.1, 3.3). The counters cycle, time and instret, and mcycle
and minstret, count the instructions before the one that reads them; mcycle and minstret can be set.
"""

from __future__ import annotations

from looped.reference.reference import Service
from looped.reference.rv32i import Rv32i
from looped.trace import Access

__all__ = ["Privileged", "set_register"]

_WORD, _LONG = 1 << 32, 1 << 64
_LOADS = {0: (1, True), 1: (2, True), 2: (4, True), 4: (1, False), 5: (2, False)}
"""The bytes of a load by its funct3, and whether their sign is extended."""


class Privileged:
    """The machine mode of a hart; `emulated` counts the instructions that it has executed."""

    def __init__(self, emulates_misaligned: bool) -> None:
        self.emulates_misaligned = emulates_misaligned
        self.control: dict[int, int] = {}
        self.offset = {0xB00: 0, 0xB02: 0, 0xC01: 0}
        self.emulated = 0

    def serve(self, hart: Rv32i, executed: int, done: Service) -> bool:
        """Serve a trap after so many instructions; False if nothing here serves it."""
        following = self._instead(hart, executed, done)
        handler = self.control.get(0x305, 0) // 4 * 4
        if following is not None:
            self.emulated += 1
            self.resume(hart, following)
        elif handler:
            value = _address(hart) if hart.cause in (4, 5, 6, 7) else 0
            self.control |= {0x341: hart.pc, 0x342: hart.cause, 0x343: value}
            self.resume(hart, handler)
        else:
            return False
        return True

    def resume(self, hart: Rv32i, pc: int) -> None:
        """Continue at an address; outside memory, the fetch traps at once."""
        hart.pc = pc % _WORD
        outside = hart.index(hart.pc) >= len(hart.memory)
        hart.trap, hart.cause = (1, 1) if outside else (0, 0)

    def _instead(self, hart: Rv32i, executed: int, done: Service) -> int | None:
        """Execute the instruction that has trapped; the next program counter, or None."""
        word = hart.memory[hart.index(hart.pc)] if hart.cause not in (0, 1) else 0
        if hart.cause == 2:
            return self._system(hart, word, executed, done)
        return self.access(hart, word, done)

    def access(self, hart: Rv32i, word: int, done: Service) -> int | None:
        """Execute a load or store that the hart cannot complete; the next program counter, or
        None."""
        misaligned = hart.cause in (4, 6) and self.emulates_misaligned
        across = hart.cause in (5, 7) and hart.second != 0
        plain = word % 128 in (0b0000011, 0b0100011)
        if plain and (misaligned or across) and _moved(hart, word, done):
            return hart.pc + 4
        return None

    def _system(self, hart: Rv32i, word: int, executed: int, done: Service) -> int | None:
        """MRET, WFI, FENCE.I or a CSR instruction."""
        if word == 0b0011000_00010_00000_000_00000_1110011:  # MRET
            return self.control.get(0x341, 0) // 4 * 4
        opcode, function = word % 128, word >> 12 & 7
        if opcode == 0b1110011 and function in (1, 2, 3, 5, 6, 7):
            return hart.pc + 4 if self._csr(hart, word, executed, done) else None
        if word == 0b0001000_00101_00000_000_00000_1110011:  # WFI
            return hart.pc + 4
        return hart.pc + 4 if opcode == 0b0001111 and function == 1 else None  # FENCE.I

    def _csr(self, hart: Rv32i, word: int, executed: int, done: Service) -> bool:
        """CSRRW, CSRRS, CSRRC and their immediate forms; False for an illegal one."""
        number, source, rd, function = word >> 20, word >> 15 & 31, word >> 7 & 31, word >> 12 & 7
        operand = source if function > 4 else hart.x[source]
        writes = function in (1, 5) or source > 0
        if writes and number >= 0xC00:
            return False
        old = self._read(number, executed)
        if writes:
            cleared = old - (old & operand)
            new = {1: operand, 2: old | operand, 3: cleared}[function % 4]
            self._write(number, new, executed)
        if rd:
            set_register(hart, rd, old, done)
        return True

    def _read(self, number: int, executed: int) -> int:
        counter = _counter(number)
        if counter is None:
            return self.control.get(number, 0)
        name, upper = counter
        count = (executed - 1 + self.offset[name]) % _LONG
        return count // _WORD if upper else count % _WORD

    def _write(self, number: int, value: int, executed: int) -> None:
        counter = _counter(number)
        if counter is None:
            self.control[number] = value
            return
        name, upper = counter
        count = (executed - 1 + self.offset[name]) % _LONG
        wanted = value * _WORD + count % _WORD if upper else count // _WORD * _WORD + value
        self.offset[name] = wanted - executed


def _counter(number: int) -> tuple[int, bool] | None:
    """The counter that a register shows, by the register that can be set, and whether it shows the
    upper half; None for a register that is no counter."""
    names = {0xB00: 0xB00, 0xC00: 0xB00, 0xC01: 0xC01, 0xB02: 0xB02, 0xC02: 0xB02}
    for upper in (False, True):
        if number - 0x80 * upper in names:
            return names[number - 0x80 * upper], upper
    return None


def _address(hart: Rv32i) -> int:
    """The address of the load or store at the program counter."""
    word = hart.memory[hart.index(hart.pc)]
    low = word >> 7 & 31 if word % 128 == 0b0100011 else word >> 20 & 31
    offset = word >> 25 << 5 | low
    return (hart.x[word >> 15 & 31] + offset - (offset >> 11 << 12)) % _WORD


def _moved(hart: Rv32i, word: int, done: Service) -> bool:
    """Execute a load or store byte by byte; False if a byte is outside memory."""
    stores, function = word % 128 == 0b0100011, word >> 12 & 7
    size, extends = _LOADS[function]
    start = _address(hart)
    places = [(start + n) % _WORD for n in range(size)]
    regions = {(place ^ hart.base) & hart.telling for place in places}
    outside = any(hart.index(place) >= len(hart.memory) for place in places)
    if outside or len(regions) > 1 or start + size > _WORD:
        return False
    if not stores:
        found = [hart.memory[hart.index(place)] >> place % 4 * 8 & 255 for place in places]
        value = sum(byte << 8 * n for n, byte in enumerate(found))
        if extends and found[-1] > 127:
            value -= 1 << 8 * size
        if word >> 7 & 31:
            set_register(hart, word >> 7 & 31, value % _WORD, done)
        return True
    for n, place in enumerate(places):
        index, shift = hart.index(place), place % 4 * 8
        byte = hart.x[word >> 20 & 31] >> 8 * n & 255
        hart.memory[index] += (byte - (hart.memory[index] >> shift & 255)) * (1 << shift)
    touched = dict.fromkeys(hart.index(place) for place in places)
    done.writes += [Access(index, hart.memory[index]) for index in touched]
    return True


def set_register(hart: Rv32i, number: int, value: int, done: Service) -> None:
    """Change a register, and say so."""
    hart.x[number] = value
    done.registers.append(Access(number, value))
