"""The decoder: what an instruction is, its immediates, and which registers it reads.

Every output is an OR of ANDs of bits of the instruction word. The flags of kinds are zero for an
illegal word, and for every word while the hart is in a trap. Fewer bits decode immediates and the
registers to read: for an illegal word they mean nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from looped.circuit.circuit import Circuit
from looped.circuit.signals import Condition, Value, disjoint_or, gated, literal
from looped.circuit.words import Word, bit, constant, total
from looped.machines.rv32i.extension import Extension, number_or
from looped.machines.rv32i.immediates import COMPARED, branch_offset, second_operand, under
from looped.machines.rv32i.kinds import BRANCHES, KINDS, REFINEMENTS, Kind
from looped.machines.rv32i.patterns import Pattern, any_match, exactly, fields

__all__ = ["DecodeInputs", "Decoded", "any_set", "decode", "running"]


@dataclass(frozen=True, slots=True)
class DecodeInputs:
    """Ports into the decoder.

    | port          | bits | content                                   |
    |---------------|------|-------------------------------------------|
    | `instruction` | 32   | the word at the program counter           |
    | `pc`          | 32   | the program counter                       |
    | `idle`        | 1 each | flags of which each says that the hart executes nothing |
    """

    instruction: Word
    pc: Word
    idle: tuple[Word, ...]


@dataclass(frozen=True, slots=True)
class Decoded:
    """Ports out of the decoder.

    | port          | bits   | content                                                      |
    |---------------|--------|--------------------------------------------------------------|
    | `kinds`       | 1 each | a flag for each Kind                                         |
    | `rd`, `rs2`   | 5      | fields of the instruction word                               |
    | `rd_nonzero`  | 1      | whether rd is not x0                                         |
    | `rs1`         | 5 or 6 | the first operand is x[rs1] + `first`                        |
    | `first`       | 32     |                                                              |
    | `rs2_add`     | 5 or 6 | the second operand is `second` + x[rs2_add] - x[rs2_sub]     |
    | `rs2_sub`     | 5 or 6 |                                                              |
    | `second`      | 32     |                                                              |
    | `inverted`    | 1      | whether the second operand is a complement: the carry in     |
    | `target_rs1`  | 5      | a target is x[target_rs1] + `target_base` + `offset`         |
    | `target_base` | 32     |                                                              |
    | `offset`      | 32     |                                                              |

    An unused register is x0, which is zero. A register that is used is added to a word of zeros, or
    subtracted from a word of ones.
    """

    kinds: Mapping[Kind, Word]
    rd: Word
    rs2: Word
    rd_nonzero: Word
    rs1: Word
    first: Word
    rs2_add: Word
    rs2_sub: Word
    second: Word
    inverted: Word
    target_rs1: Word
    target_base: Word
    offset: Word

    def flags(self, *kinds: Kind) -> tuple[Word, ...]:
        """The flags of several kinds."""
        return tuple(self.kinds[kind] for kind in kinds)


def decode(m: Circuit, i: DecodeInputs, extension: Extension) -> Decoded:
    """Decode an instruction of RV32I or of an extension.

    Bit 2 marks the opcodes whose sum has no x[rs1]: LUI, AUIPC, JAL and JALR. Among them only LUI
    has both bits 4 and 5. Of the two jumps only JALR lacks bit 3; LUI and AUIPC have no target.
    """
    word, also = i.instruction, extension.operands
    plain, complement = _plain(extension), _complement(extension)
    special, direct = literal(word[2:3]), literal(word[3:4])
    upper = literal(word[4:5]) & literal(word[5:6])
    rs1, rs2 = [*map(bit, word[15:20])], [*map(bit, word[20:25])]
    from_pc = gated(special & ~upper, *map(bit, i.pc))
    second = disjoint_or(second_operand(word, complement), also.second)
    inverted = any_match(word, [*complement, *COMPARED])
    return Decoded(
        kinds=_kinds(m, word, running(*i.idle), extension),
        rd=word[7:12],
        rs2=word[20:25],
        rd_nonzero=m.let("rd nonzero", Condition(total(word[7:12]), 1)),
        rs1=m.let("rs1", number_or(gated(~special, *rs1), also.rs1)),
        first=m.let("first", disjoint_or(from_pc, also.first)),
        rs2_add=m.let("rs2 add", number_or(under(word, plain, rs2), also.rs2_add)),
        rs2_sub=m.let("rs2 sub", number_or(under(word, complement, rs2), also.rs2_sub)),
        second=m.let("second", second),
        inverted=m.let("inverted", disjoint_or(inverted, also.inverted)),
        target_rs1=m.let("target rs1", gated(special & ~direct, *rs1)),
        target_base=m.let("target base", _target_base(i.pc, special & ~direct)),
        offset=m.let("offset", branch_offset(word)),
    )


def _kinds(
    m: Circuit, instruction: Word, running: Condition, extension: Extension
) -> dict[Kind, Word]:
    """The flags of all kinds; the instructions of an extension are sums."""
    kinds = {**KINDS, **REFINEMENTS, Kind.SUM: (*KINDS[Kind.SUM], *extension.mnemonics)}
    flags = {
        kind: any_match(instruction, exactly(*mnemonics), running)
        for kind, mnemonics in kinds.items()
    }
    for kind, also in extension.kinds.items():
        flags[kind] = disjoint_or(flags[kind], also)
    return {kind: m.let(f"is {kind.value}", content) for kind, content in flags.items()}


def running(*idle: Word) -> Condition:
    """Whether none of some flags is set."""
    return ~any_set(*idle)


def any_set(*flags: Word) -> Condition:
    """Whether one of some flags is set."""
    return Condition(sum((bit(lane) for flag in flags for lane in flag), constant(0)), 1)


def _target_base(pc: Word, is_jalr: Condition) -> Value:
    """The program counter, or zero for JALR."""
    return disjoint_or(pc, gated(is_jalr, *(-bit(lane) for lane in pc)))


def _plain(extension: Extension) -> list[Pattern]:
    """The instructions whose second operand is x[rs2]."""
    telling = extension.telling_bit
    logic = ("xor", "or", "and", "sll", "srl", "sra")
    return [
        *fields(*logic, funct3=True, telling_bit=telling),
        *fields("add", funct3=True, bit_30=True, telling_bit=telling),
    ]


def _complement(extension: Extension) -> list[Pattern]:
    """The instructions whose second operand is the complement of x[rs2]."""
    telling = extension.telling_bit
    return [
        *fields("slt", "sltu", funct3=True, telling_bit=telling),
        *fields("sub", funct3=True, bit_30=True, telling_bit=telling),
        *fields(*BRANCHES),
    ]
