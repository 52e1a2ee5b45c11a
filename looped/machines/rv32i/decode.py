"""Decode: what an instruction is, its immediates, and what its operands are to be.

All of it are ANDs of some bits of the instruction word. The bits of a kind are zero for a word that
is no instruction, and for every word while the hart is in a trap. Immediates and the choice of
operands are told apart by fewer bits: for a word that is no instruction they mean nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from looped.compiler.circuit import Circuit
from looped.compiler.signals import (
    Condition,
    Gated,
    Signal,
    Value,
    literal,
    merge,
    weighed,
)
from looped.compiler.words import Form, Word, bit, constant
from looped.isa.rv32i import FORMATS
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
    "half": ("lh", "lhu", "sh"),
    "word": ("lw", "sw"),
    "ecall": ("ecall",),
    "ebreak": ("ebreak",),
}

_PLAIN = [
    *fields("xor", "or", "and", "sll", "srl", "sra", funct3=True),
    *fields("add", funct3=True, bit_30=True),
]
"""x[rs2] is the second operand."""

_COMPLEMENT = [
    *fields("slt", "sltu", funct3=True),
    *fields("sub", funct3=True, bit_30=True),
    *fields(*_BRANCHES),
]
"""The complement of x[rs2] is the second operand."""

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

    `kind` has a bit for each of KINDS and for some parts of them; `rd`, `rs1`, `rs2` are numbers of
    registers, rs1 is 0 for LUI. The first operand is x[rs1], or the program counter where
    `first_is_pc`. The second is `second`; unless `without_rs2`, x[rs2] is added to it, and unless
    `without_complement`, taken away from what then are ones; `inverted` is 1 where the second
    operand is a complement. A jump or branch leads to x[rs1], or the program counter where
    `from_pc`, plus `offset`.
    """

    kind: dict[str, Word]
    rd: Word
    rs1: Word
    rs2: Word
    first_is_pc: Word
    second: Word
    without_rs2: Word
    without_complement: Word
    inverted: Word
    offset: Word
    from_pc: Word

    def holds(self, kind: str) -> Condition:
        """Whether the instruction is of a kind."""
        return literal(self.kind[kind])

    def bit(self, *kinds: str) -> Form:
        """1 if the instruction is of one of these kinds, which exclude each other, else 0."""
        return sum((bit(lane) for kind in kinds for lane in self.kind[kind]), constant(0))


def decode(m: Circuit, instruction: Word, trapped: Word) -> Decoded:
    """Make the lanes of `Decoded` from an instruction word."""
    running = ~literal(trapped)
    kind = {
        name: m.let(f"is {name}", any_match(instruction, exactly(*mnemonics), running))
        for name, mnemonics in {**KINDS, **_REFINEMENTS}.items()
    }

    def unless(name: str, patterns: Iterable[Pattern]) -> Word:
        return m.let(name, _complement(any_match(instruction, patterns)))

    return Decoded(
        kind=kind,
        rd=instruction[7:12],
        rs1=m.let("rs1", _cleared(instruction[15:20], instruction, fields("lui"))),
        rs2=instruction[20:25],
        first_is_pc=m.let("first_is_pc", any_match(instruction, fields("auipc", "jal", "jalr"))),
        second=m.let("second", _second(instruction)),
        without_rs2=unless("without_rs2", _PLAIN),
        without_complement=unless("without_complement", _COMPLEMENT),
        inverted=m.let("inverted", any_match(instruction, [*_COMPLEMENT, *_COMPARED])),
        offset=m.let("offset", _offset(instruction)),
        from_pc=unless("from_pc", fields("jalr")),
    )


def _second(instruction: Word) -> Value:
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
        _under(instruction, _COMPLEMENT, ones),
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
    conditions = [match(instruction, pattern) for pattern in patterns]
    return merge(*(weighed(condition, *forms) for condition in conditions))


def _cleared(word: Word, instruction: Word, patterns: Iterable[Pattern]) -> Value:
    """Zero where a pattern matches, a word elsewhere."""
    taken = [_under(instruction, [p], [-bit(lane) for lane in word]) for p in patterns]
    return merge(word, *taken)


def _complement(flag: Value) -> Value:
    """The other value of one bit."""
    (signal,) = flag.signals
    terms = tuple(Gated(term.condition, -term.form) for term in signal.gated)
    return Value((Signal(constant(1) - signal.linear, terms),))
