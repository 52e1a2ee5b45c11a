"""Decode: what an instruction is, its immediates, and what its operands are to be.

All of it are ANDs of some bits of the instruction word. The bits of a kind are zero for a word that
is no instruction, and for every word while the hart is in a trap. Immediates and the choice of
operands are told apart by fewer bits: for a word that is no instruction they mean nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from looped.compiler.circuit import Circuit
from looped.compiler.signals import Condition, Value, literal, merge, weighed
from looped.compiler.words import Form, Word, bit, constant, total
from looped.isa.rv32i import FORMATS
from looped.machines.rv32i.extension import NO_EXTENSION, Extension
from looped.machines.rv32i.patterns import Pattern, any_match, exactly, fields, match

__all__ = ["KINDS", "Decoded", "decode"]

_BRANCHES = ("beq", "bne", "blt", "bge", "bltu", "bgeu")
_LOADS = ("lb", "lh", "lw", "lbu", "lhu")
_STORES = ("sb", "sh", "sw")

KINDS: dict[str, tuple[str, ...]] = {
    "sum": ("add", "sub", "addi", "lui", "auipc", "jal", "jalr"),
    "and": ("and", "andi"),
    "or or xor": ("or", "ori", "xor", "xori"),
    "left": ("sll", "slli"),
    "right": ("srl", "srli", "sra", "srai"),
    "slt": ("slt", "slti"),
    "sltu": ("sltu", "sltiu"),
    "load": _LOADS,
    **{name: (name,) for name in (*_STORES, *_BRANCHES, "fence")},
}
"""Every instruction that does not trap, once."""

_REFINEMENTS: dict[str, tuple[str, ...]] = {
    "xor": ("xor", "xori"),
    "arithmetic": ("sra", "srai"),
    "jump": ("jal", "jalr"),
    "lb": ("lb",),
    "lh": ("lh",),
    "lw": ("lw",),
    "wide": ("lh", "lhu", "lw"),
    "wide access": ("lh", "lhu", "lw", "sh", "sw"),
    "word access": ("lw", "sw"),
    "ecall": ("ecall",),
    "ebreak": ("ebreak",),
}

_COMPARED = fields("slti", "sltiu", funct3=True)
"""The complement of the immediate is the second operand."""

_IMMEDIATE = [
    *fields("addi", "xori", "ori", "andi", "slli", "srli", funct3=True),
    *fields(*_LOADS),
]
"""The immediate of an I-format is the second operand."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """An instruction in lanes of the CPU.

    `kind` has a bit for each of KINDS and for some parts of them; `rd` and `rs2` are the numbers of
    registers as they stand, `named` is whether rd is not x0.

    The first operand is x[first_source] plus `first`; the second is x[plus_source] plus `second`,
    minus x[minus_source], which is taken away from what then are ones; `inverted` is 1 where the
    second operand is a complement. A jump or branch leads to x[start_source] plus `start` plus
    `offset`. A source that is not wanted is x0, which is zero; what it is added to is then all
    there is, and is zero where the source is wanted.
    """

    kind: dict[str, Word]
    rd: Word
    named: Word
    rs2: Word
    first_source: Word
    first: Word
    plus_source: Word
    minus_source: Word
    second: Word
    inverted: Word
    start_source: Word
    start: Word
    offset: Word

    def holds(self, kind: str) -> Condition:
        """Whether the instruction is of a kind."""
        return literal(self.kind[kind])

    def bit(self, *kinds: str) -> Form:
        """1 if the instruction is of one of these kinds, which exclude each other, else 0."""
        return sum((bit(lane) for kind in kinds for lane in self.kind[kind]), constant(0))


def decode(
    m: Circuit,
    instruction: Word,
    pc: Word,
    trapped: Word,
    extension: Extension = NO_EXTENSION,
) -> Decoded:
    """Make the lanes of `Decoded` from an instruction word.

    Of all opcodes, bit 2 tells those whose sum has no x[rs1]: LUI, AUIPC, JAL and JALR. Among them
    LUI has bits 4 and 5, and JALR alone has not bit 3.
    """
    running = ~literal(trapped)
    kinds = {**KINDS, **_REFINEMENTS, "sum": (*KINDS["sum"], *extension.mnemonics)}
    kind = {
        name: m.let(f"is {name}", any_match(instruction, exactly(*mnemonics), running))
        for name, mnemonics in kinds.items()
    }
    plain, complement = _plain(extension), _complement(extension)
    rd, rs1, rs2 = instruction[7:12], instruction[15:20], instruction[20:25]
    special, direct = literal(instruction[2:3]), literal(instruction[3:4])
    upper = literal(instruction[4:5]) & literal(instruction[5:6])
    from_pc = weighed(special & ~upper, *map(bit, pc))
    from_rs1 = weighed(special & ~direct, *(-bit(lane) for lane in pc))

    def operand(name: str, made: Value) -> Word:
        return m.let(name, merge(made, *extension.adds(name)))

    return Decoded(
        kind=kind,
        rd=rd,
        named=m.let("named", Condition(total(rd), 1)),
        rs2=rs2,
        first_source=operand("first source", weighed(~special, *map(bit, rs1))),
        first=operand("first", from_pc),
        plus_source=operand("plus source", _under(instruction, plain, map(bit, rs2))),
        minus_source=operand("minus source", _under(instruction, complement, map(bit, rs2))),
        second=operand("second", _second(instruction, complement)),
        inverted=operand("inverted", any_match(instruction, [*complement, *_COMPARED])),
        start_source=m.let("start source", weighed(special & ~direct, *map(bit, rs1))),
        start=m.let("start", merge(pc, from_rs1)),
        offset=m.let("offset", _offset(instruction)),
    )


def _plain(extension: Extension) -> list[Pattern]:
    """Where x[rs2] is the second operand."""
    telling = extension.telling_bit
    logic = ("xor", "or", "and", "sll", "srl", "sra")
    return [
        *fields(*logic, funct3=True, telling_bit=telling),
        *fields("add", funct3=True, bit_30=True, telling_bit=telling),
    ]


def _complement(extension: Extension) -> list[Pattern]:
    """Where the complement of x[rs2] is the second operand."""
    telling = extension.telling_bit
    return [
        *fields("slt", "sltu", funct3=True, telling_bit=telling),
        *fields("sub", funct3=True, bit_30=True, telling_bit=telling),
        *fields(*_BRANCHES),
    ]


def _second(instruction: Word, complement: list[Pattern]) -> Value:
    """The second operand as far as it is no register; the size of a jump's own instruction."""
    link = [constant(i == 2) for i in range(32)]
    ones = [constant(1)] * 32
    return merge(
        _under(instruction, _IMMEDIATE, _immediate(instruction, "I")),
        _under(
            instruction, _COMPARED, [constant(1) - form for form in _immediate(instruction, "I")]
        ),
        _under(instruction, fields(*_STORES), _immediate(instruction, "S")),
        _under(instruction, fields("lui", "auipc"), _immediate(instruction, "U")),
        _under(instruction, fields("jal", "jalr"), link),
        _under(instruction, complement, ones),
    )


def _offset(instruction: Word) -> Value:
    """How far a jump or branch leads."""
    return merge(
        _under(instruction, fields(*_BRANCHES), _immediate(instruction, "B")),
        _under(instruction, fields("jal"), _immediate(instruction, "J")),
        _under(instruction, fields("jalr"), _immediate(instruction, "I")),
    )


def _immediate(instruction: Word, name: str) -> list[Form]:
    """The bits of an immediate of a format, each a bit of the instruction or zero."""
    places = {f.low + k: f.at + k for f in FORMATS[name] for k in range(f.width)}
    if name == "U":
        places = {i + 12: at for i, at in places.items()}
    sign = max(places)
    places |= dict.fromkeys(range(sign, 32), places[sign])
    return [bit(instruction[places[i]]) if i in places else constant(0) for i in range(32)]


def _under(instruction: Word, patterns: Iterable[Pattern], forms: Iterable[Form]) -> Value:
    """A word where a pattern matches, zero elsewhere."""
    bits = list(forms)
    return merge(*(weighed(match(instruction, pattern), *bits) for pattern in patterns))
