"""One line of Spike's commit log for an instruction that has completed.

The format is that of `spike -l --log-commits`, Spike 1.1.0 and later: `commit_log_print_insn` in
riscv/execute.cc of riscv-software-src/riscv-isa-sim.

    core   0: 3 0x00000010 (0x00612023) mem 0x00000100 0x0000002a
    core   0: 3 0x00000014 (0x00012303) x6  0x0000002a mem 0x00000100

The fields are the hart, the privilege mode (3 is machine mode), the program counter, the
instruction, the register that it wrote, and the address of a load, or the address and the value of
a store, with two digits per byte.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

__all__ = ["commit_line"]

_LOAD, _STORE = 0x03, 0x23
_MASK = 0xFFFFFFFF


def commit_line(
    pc: int, word: int, written: Iterable[tuple[int, int]], registers: Sequence[int]
) -> str:
    """The line of an instruction that wrote the registers `written`, (number, value).

    `registers` are those before the instruction.
    """
    parts = [f"core   0: 3 0x{pc:08x} (0x{word:08x})"]
    parts += [f" x{number:<2d} 0x{value:08x}" for number, value in written]
    opcode = word & 0x7F
    if opcode in (_LOAD, _STORE):
        low = word >> 7 & 31 if opcode == _STORE else word >> 20 & 31
        offset = word >> 25 << 5 | low
        address = registers[word >> 15 & 31] + offset - (offset >> 11 << 12) & _MASK
        parts.append(f" mem 0x{address:08x}")
    if opcode == _STORE:
        digits = 2 << (word >> 12 & 3)
        value = registers[word >> 20 & 31] & (1 << 4 * digits) - 1
        parts.append(f" 0x{value:0{digits}x}")
    return "".join(parts)
