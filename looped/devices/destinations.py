"""Which words an instruction writes to, found before it is executed, so that only they are read.

Otherwise a run would compare the whole memory after each instruction.
"""

from __future__ import annotations

from dataclasses import dataclass

from looped.devices.host import ColumnPort
from looped.image import Image
from looped.isa.rv32i import word_index

__all__ = ["Destinations", "riscv_destinations", "subleq_destinations", "word_at"]

_STORE = 0x23
_NAMELESS = (_STORE, 0x63, 0x0F, 0x73)
"""Opcodes without a destination register: stores, branches, fences, the system's."""


@dataclass(frozen=True, slots=True)
class Destinations:
    """Words of memory and registers, by number, that an instruction writes to if it completes."""

    memory: tuple[int, ...] = ()
    registers: tuple[int, ...] = ()


def word_at(image: Image, port: ColumnPort, index: int) -> int:
    """A word of memory; a baked machine has its instructions in the image alone."""
    if index in port.plan.code:
        return image.words[index]
    return port.memory(index)


def subleq_destinations(image: Image, port: ColumnPort) -> Destinations:
    """Where the SUBLEQ instruction at the program counter writes to."""
    pc, ones = port.cpu("pc"), (1 << image.width) - 1
    a, b = (word_at(image, port, (pc + k) % port.size) for k in range(2))
    return Destinations() if b == ones and a != ones else Destinations((b % port.size,))


def riscv_destinations(image: Image, port: ColumnPort) -> Destinations:
    """Where the RISC-V instruction at the program counter writes to."""
    index = word_index(port.cpu("pc"))
    if index >= port.size:
        return Destinations()
    word = port.memory(index)
    opcode, rd = word & 0x7F, word >> 7 & 31
    if opcode == _STORE:
        offset = word >> 25 << 5 | rd
        address = port.register(word >> 15 & 31) + offset - (offset >> 11 << 12) & 0xFFFFFFFF
        index = word_index(address)
        return Destinations((index,)) if index < port.size else Destinations()
    return Destinations() if opcode in _NAMELESS or rd == 0 else Destinations((), (rd,))
