"""Which words an instruction reads and writes, decoded from the machine's words before it runs.

The residual stream does not show every access between two loops: a load changes no word that shows
its address, and a store of the same value changes nothing. So a trace decodes the instruction, and
takes only the values from the residual stream.
"""

from __future__ import annotations

from dataclasses import dataclass

from looped.devices.host import ColumnPort
from looped.image import Image
from looped.isa.rv32i import word_index

__all__ = ["Accesses", "riscv_accesses", "subleq_accesses", "word_at"]

_LOAD, _STORE = 0x03, 0x23
_NAMELESS = (_STORE, 0x63, 0x0F, 0x73)
"""Opcodes of instructions that write no register: stores, branches, fences, system calls."""


@dataclass(frozen=True, slots=True)
class Accesses:
    """The words that an instruction accesses if it completes: memory by index, registers by number.

    `reads` and `writes` are in the order of the reference. Instruction fetches are not in them. An
    instruction writes to a word once at most; `late` are those reads, by their number in `reads`,
    that come after it has written to their word.
    """

    reads: tuple[int, ...] = ()
    writes: tuple[int, ...] = ()
    registers: tuple[int, ...] = ()
    late: frozenset[int] = frozenset()


def word_at(image: Image, port: ColumnPort, index: int) -> int:
    """A word of memory; the instructions of a baked machine come from the image."""
    if index in port.plan.code:
        return image.words[index]
    return port.memory(index)


def subleq_accesses(image: Image, port: ColumnPort) -> Accesses:
    """What the SUBLEQ instruction at the program counter accesses."""
    pc, ones = port.cpu("pc"), (1 << image.width) - 1
    a, b = (word_at(image, port, (pc + k) % port.size) for k in range(2))
    source, target = a % port.size, b % port.size
    if a == ones:
        return Accesses(writes=(target,))
    return Accesses((source,)) if b == ones else Accesses((source, target), (target,))


def riscv_accesses(image: Image, port: ColumnPort) -> Accesses:
    """What the RISC-V instruction at the program counter accesses."""
    index = word_index(port.cpu("pc"))
    if index >= port.size:
        return Accesses()
    word = port.memory(index)
    opcode, rd = word & 0x7F, word >> 7 & 31
    low = rd if opcode == _STORE else word >> 20 & 31
    offset = word >> 25 << 5 | low
    address = port.register(word >> 15 & 31) + offset - (offset >> 11 << 12) & 0xFFFFFFFF
    place = (word_index(address),) if word_index(address) < port.size else ()
    named = () if opcode in _NAMELESS or rd == 0 else (rd,)
    return Accesses(
        reads=place if opcode == _LOAD else (),
        writes=place if opcode == _STORE else (),
        registers=named,
    )
