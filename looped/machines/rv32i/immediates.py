"""Immediates: each of their bits is a bit of the instruction word, or zero."""

from __future__ import annotations

from collections.abc import Iterable

from looped.circuit.signals import Value, disjoint_or, gated
from looped.circuit.words import Form, Word, bit, constant
from looped.isa.rv32i import FORMATS
from looped.machines.rv32i.kinds import BRANCHES, LOADS, STORES
from looped.machines.rv32i.patterns import Pattern, fields, match

__all__ = ["COMPARED", "branch_offset", "second_operand", "under"]

COMPARED = fields("slti", "sltiu", funct3=True)
"""The complement of the immediate is the second operand."""

_IMMEDIATE = [
    *fields("addi", "xori", "ori", "andi", "slli", "srli", funct3=True),
    *fields(*LOADS),
]
"""The immediate of an I-format is the second operand."""


def second_operand(instruction: Word, complement: list[Pattern]) -> Value:
    """The second operand apart from registers: 32 bits.

    It is an immediate, the complement of an immediate, or the size of an instruction for a jump.
    Where a pattern of `complement` matches, it is all ones, from which x[rs2] is subtracted.
    """
    link = [constant(i == 2) for i in range(32)]
    ones = [constant(1)] * 32
    immediate = _immediate(instruction, "I")
    return disjoint_or(
        under(instruction, _IMMEDIATE, immediate),
        under(instruction, COMPARED, [constant(1) - form for form in immediate]),
        under(instruction, fields(*STORES), _immediate(instruction, "S")),
        under(instruction, fields("lui", "auipc"), _immediate(instruction, "U")),
        under(instruction, fields("jal", "jalr"), link),
        under(instruction, complement, ones),
    )


def branch_offset(instruction: Word) -> Value:
    """The distance to the target of a jump or branch: 32 bits."""
    return disjoint_or(
        under(instruction, fields(*BRANCHES), _immediate(instruction, "B")),
        under(instruction, fields("jal"), _immediate(instruction, "J")),
        under(instruction, fields("jalr"), _immediate(instruction, "I")),
    )


def under(instruction: Word, patterns: Iterable[Pattern], forms: Iterable[Form]) -> Value:
    """A word where a pattern matches, zero elsewhere."""
    bits = list(forms)
    return disjoint_or(*(gated(match(instruction, pattern), *bits) for pattern in patterns))


def _immediate(instruction: Word, name: str) -> list[Form]:
    """The 32 bits of the immediate of a format, extended by its sign."""
    places = {f.low + k: f.at + k for f in FORMATS[name] for k in range(f.width)}
    if name == "U":
        places = {i + 12: at for i, at in places.items()}
    sign = max(places)
    places |= dict.fromkeys(range(sign, 32), places[sign])
    return [bit(instruction[places[i]]) if i in places else constant(0) for i in range(32)]
