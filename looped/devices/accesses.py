"""Which words an instruction reads and writes, decoded from the machine's words before it runs.

The residual stream does not show every access between two loops: a load changes no word that shows
its address, and a store of the same value changes nothing. So a trace decodes the instruction, and
takes only the values from the residual stream.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from looped.artefact.plan import Plan
from looped.image import Image

__all__ = ["Accesses", "Words", "riscv_accesses", "subleq_accesses", "word_at"]

_LOAD, _STORE = 0x03, 0x23
_NAMELESS = (_STORE, 0x63, 0x0F, 0x73)
"""Opcodes of instructions that write no register: stores, branches, fences, system calls."""

_KNOWN = 1 << 15
"""The most instructions that are kept decoded: as many as the largest memory has words."""


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

    def without(self, rest: Accesses) -> Accesses:
        """Those before the last ones, `rest`, of each kind."""
        n = len(self.reads) - len(rest.reads)
        writes = self.writes[: len(self.writes) - len(rest.writes)]
        registers = self.registers[: len(self.registers) - len(rest.registers)]
        late = frozenset(number for number in self.late if number < n)
        return Accesses(self.reads[:n], writes, registers, late)


class Words(Protocol):
    """The words of one machine, to read."""

    @property
    def plan(self) -> Plan:
        """The plan of the machine."""

    @property
    def size(self) -> int:
        """The number of words of memory."""

    def memory(self, index: int) -> int:
        """A word of memory."""

    def register(self, number: int) -> int:
        """A register of the register file."""

    def cpu(self, name: str) -> int:
        """A word of the CPU."""


def word_at(image: Image, port: Words, index: int) -> int:
    """A word of memory; the instructions of a baked machine come from the image."""
    if index in port.plan.code:
        return image.words[index] if index < len(image.words) else 0
    return port.memory(index)


def subleq_accesses(image: Image, port: Words) -> Accesses:
    """What the SUBLEQ instruction at the program counter accesses."""
    pc, ones, size = port.cpu("pc"), (1 << image.width) - 1, port.size
    order = image.parameter("order") or 0
    a, b = (word_at(image, port, (pc + place) % size) for place in (order, 1 - order))
    return _subleq(a, b, ones, size, bool(image.parameter("input")))


@lru_cache(_KNOWN)
def _subleq(a: int, b: int, ones: int, size: int, adds: bool) -> Accesses:
    source, target = a % size, b % size
    if a == ones:
        return Accesses((target,) if adds else (), (target,))
    return Accesses((source,)) if b == ones else Accesses((source, target), (target,))


def riscv_accesses(image: Image, port: Words) -> Accesses:
    """What the RISC-V instruction at the program counter accesses."""
    index = image.index(port.cpu("pc"))
    if index >= port.size:
        return Accesses()
    decoded = _decode(port.memory(index))
    if not (decoded.stores or decoded.loads):
        return decoded.apart
    target = image.index(port.register(decoded.base) + decoded.offset & 0xFFFFFFFF)
    if target >= port.size:
        return decoded.apart
    if decoded.stores:
        return Accesses(writes=(target,))
    return Accesses(reads=(target,), registers=decoded.apart.registers)


@dataclass(frozen=True, slots=True)
class _Decoded:
    """A RISC-V instruction: whether it stores or loads, its address, and its accesses apart from
    memory."""

    stores: bool
    loads: bool
    base: int
    offset: int
    apart: Accesses


@lru_cache(_KNOWN)
def _decode(word: int) -> _Decoded:
    opcode, rd = word & 0x7F, word >> 7 & 31
    low = rd if opcode == _STORE else word >> 20 & 31
    offset = word >> 25 << 5 | low
    return _Decoded(
        stores=opcode == _STORE,
        loads=opcode == _LOAD,
        base=word >> 15 & 31,
        offset=offset - (offset >> 11 << 12),
        apart=Accesses(registers=() if opcode in _NAMELESS or rd == 0 else (rd,)),
    )
