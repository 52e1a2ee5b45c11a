"""Kind: the sets of instructions that the decoder has a flag for.

A flag is a word of one bit. Units take flags as typed fields of their inputs, so that a misspelt
flag is a type error.
"""

from __future__ import annotations

from enum import Enum

from looped.circuit.words import Form, Word, bit, constant

__all__ = ["BRANCHES", "KINDS", "LOADS", "REFINEMENTS", "STORES", "Kind", "flag"]

LOADS = ("lb", "lh", "lw", "lbu", "lhu")
STORES = ("sb", "sh", "sw")
BRANCHES = ("beq", "bne", "blt", "bge", "bltu", "bgeu")


class Kind(Enum):
    """A set of instructions; the value is its name in the circuit."""

    SUM = "sum"
    AND = "and"
    OR_OR_XOR = "or or xor"
    LEFT = "left"
    RIGHT = "right"
    SLT = "slt"
    SLTU = "sltu"
    LOAD = "load"
    SB = "sb"
    SH = "sh"
    SW = "sw"
    BEQ = "beq"
    BNE = "bne"
    BLT = "blt"
    BGE = "bge"
    BLTU = "bltu"
    BGEU = "bgeu"
    FENCE = "fence"
    XOR = "xor"
    ARITHMETIC = "arithmetic"
    JUMP = "jump"
    LB = "lb"
    LH = "lh"
    LW = "lw"
    WIDE = "wide"
    WIDE_ACCESS = "wide access"
    WORD_ACCESS = "word access"
    ECALL = "ecall"
    EBREAK = "ebreak"


KINDS: dict[Kind, tuple[str, ...]] = {
    Kind.SUM: ("add", "sub", "addi", "lui", "auipc", "jal", "jalr"),
    Kind.AND: ("and", "andi"),
    Kind.OR_OR_XOR: ("or", "ori", "xor", "xori"),
    Kind.LEFT: ("sll", "slli"),
    Kind.RIGHT: ("srl", "srli", "sra", "srai"),
    Kind.SLT: ("slt", "slti"),
    Kind.SLTU: ("sltu", "sltiu"),
    Kind.LOAD: LOADS,
    Kind.SB: ("sb",),
    Kind.SH: ("sh",),
    Kind.SW: ("sw",),
    Kind.BEQ: ("beq",),
    Kind.BNE: ("bne",),
    Kind.BLT: ("blt",),
    Kind.BGE: ("bge",),
    Kind.BLTU: ("bltu",),
    Kind.BGEU: ("bgeu",),
    Kind.FENCE: ("fence",),
}
"""Every instruction that does not trap, once: these kinds exclude each other."""

REFINEMENTS: dict[Kind, tuple[str, ...]] = {
    Kind.XOR: ("xor", "xori"),
    Kind.ARITHMETIC: ("sra", "srai"),
    Kind.JUMP: ("jal", "jalr"),
    Kind.LB: ("lb",),
    Kind.LH: ("lh",),
    Kind.LW: ("lw",),
    Kind.WIDE: ("lh", "lhu", "lw"),
    Kind.WIDE_ACCESS: ("lh", "lhu", "lw", "sh", "sw"),
    Kind.WORD_ACCESS: ("lw", "sw"),
    Kind.ECALL: ("ecall",),
    Kind.EBREAK: ("ebreak",),
}
"""Parts of those kinds and unions of such parts, and the two instructions that trap."""


def flag(*flags: Word) -> Form:
    """1 if one of these flags is set, else 0; they must exclude each other."""
    return sum((bit(lane) for word in flags for lane in word), constant(0))
