"""The timed programs: a few instructions that walk through all of memory, for ever."""

from __future__ import annotations

from looped.isa.rv32i import encode

__all__ = ["STRIDE", "riscv_walk", "walk", "workload"]

STRIDE = 16
"""The distance of written words; the program itself lies below the first one."""

_AT, _END, _COUNT = 5, 6, 7
_PAGE = 4096


def workload(machine: str, width: int, memory: int) -> tuple[int, ...]:
    """The program for a machine with so many words of memory."""
    return walk(width) if machine == "subleq" else riscv_walk(memory)


def walk(width: int) -> tuple[int, ...]:
    """SUBLEQ words that subtract one from mem[14], mem[30], mem[46], … and begin again at the end.

    The second instruction changes the first one's operand, so every round modifies the program. (It
    never becomes -1, which would write a byte.)
    """
    mask = (1 << width) - 1
    one, stride, zero, target = 9, 10, 11, STRIDE - 2
    program = (one, target, 3, stride, 1, 6, zero, zero, 0)
    data = (1, -STRIDE & mask, 0)
    return program + data


def riscv_walk(memory: int) -> tuple[int, ...]:
    """RV32I words that subtract one from the same places, in a memory of whole pages: a load, an
    addition, a store, the next address and a branch for each."""
    return (
        encode("lui", _END, imm=4 * memory // _PAGE),
        encode("addi", _AT, 0, imm=4 * (STRIDE - 2)),
        encode("lw", _COUNT, _AT),
        encode("addi", _COUNT, _COUNT, imm=-1),
        encode("sw", rs1=_AT, rs2=_COUNT),
        encode("addi", _AT, _AT, imm=4 * STRIDE),
        encode("bltu", rs1=_AT, rs2=_END, imm=-16),
        encode("jal", imm=-24),
    )
