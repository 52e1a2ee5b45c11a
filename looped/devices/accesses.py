"""Which words an instruction writes to, told before it is executed, so that only they are read.

A run of many instructions would else compare the whole memory after each of them.
"""

from __future__ import annotations

from dataclasses import dataclass

from looped.devices.host import ColumnPort
from looped.image import Image
from looped.isa.rv32i import word_index
from looped.isa.rv32im import RISCV

__all__ = ["Targets", "targets"]

_STORE = 0x23
_NAMELESS = (_STORE, 0x63, 0x0F, 0x73)
"""Opcodes without a destination register: stores, branches, fences, the system's."""


@dataclass(frozen=True, slots=True)
class Targets:
    """Words of memory and registers, by number, that an instruction writes to if it completes."""

    memory: tuple[int, ...] = ()
    registers: tuple[int, ...] = ()


def targets(image: Image, port: ColumnPort) -> Targets:
    """Where the instruction at the program counter writes to."""
    if image.machine in RISCV:
        return _riscv(port)
    return _subleq(image, port)


def _subleq(image: Image, port: ColumnPort) -> Targets:
    pc, ones = port.cpu("pc"), (1 << image.width) - 1
    a, b = (_word(image, port, (pc + k) % port.size) for k in range(2))
    return Targets() if b == ones and a != ones else Targets((b % port.size,))


def _word(image: Image, port: ColumnPort, index: int) -> int:
    """A word of memory, also one that a baked machine has in its weights."""
    if index in port.plan.code:
        return image.words[index]
    return port.memory(index)


def _riscv(port: ColumnPort) -> Targets:
    index = word_index(port.cpu("pc"))
    if index >= port.size:
        return Targets()
    word = port.memory(index)
    opcode, rd = word & 0x7F, word >> 7 & 31
    if opcode == _STORE:
        offset = word >> 25 << 5 | rd
        address = port.register(word >> 15 & 31) + offset - (offset >> 11 << 12) & 0xFFFFFFFF
        index = word_index(address)
        return Targets((index,)) if index < port.size else Targets()
    return Targets() if opcode in _NAMELESS or rd == 0 else Targets((), (rd,))
