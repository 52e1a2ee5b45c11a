"""The operands of RV32I's adder in the first and in the last loop of an instruction.

| loop  | product                                          | quotient                            |
|-------|--------------------------------------------------|-------------------------------------|
| first | x[rs1]                                           | x[rs1] - 1                          |
| last  | low or partial; plus x[rs2] if once more         | low or partial, or its negative     |

The first loop takes x[rs1] - 1 for a negative dividend: its complement is the magnitude. A step
does not use this adder.
"""

from __future__ import annotations

from collections.abc import Iterable

from looped.circuit.signals import Condition, Value, disjoint_or, gated, literal
from looped.circuit.words import Form, Word, bit, constant
from looped.isa.rv32im import EXTENSION, TELLING_BIT
from looped.machines.rv32i.extension import OperandPorts
from looped.machines.rv32i.patterns import Pattern, fields, match
from looped.machines.rv32im.digits import QUOTIENT_DIGIT
from looped.machines.rv32im.scratch import Scratch

__all__ = ["operands"]

_ONE = constant(1)


def _words(*mnemonics: str) -> list[Pattern]:
    return fields(*mnemonics, funct3=True, telling_bit=TELLING_BIT)


_EVERY = _words(*EXTENSION)
_QUOTIENTS = _words("div", "divu", "rem", "remu")


def operands(instruction: Word, state: Scratch) -> OperandPorts:
    """The ports of RV32I's operands; for these instructions RV32I itself sets only `rs1`."""
    rs1, rs2 = ([*map(bit, instruction[at : at + 5])] for at in (15, 20))
    low, partial = [*map(bit, state.low)], [*map(bit, state.partial)]
    remainder = partial[QUOTIENT_DIGIT:][:32]
    finishing = state.finishing

    def under(patterns: Iterable[Pattern], also: Condition, forms: Iterable[Form]) -> Value:
        bits = [*forms]
        return disjoint_or(*(gated(match(instruction, p) & also, *bits) for p in patterns))

    def flipped(bits: list[Form]) -> list[Form]:
        return [_ONE - form * 2 for form in bits]

    negate = finishing & literal(state.negate)
    negative = finishing & literal(state.negative)
    return OperandPorts(
        rs1=disjoint_or(
            under(_EVERY, literal(state.busy), [-form for form in rs1]),
            under(_words("mulhu"), finishing & literal(state.once_more), rs2),
        ),
        second=disjoint_or(
            under(_QUOTIENTS, ~literal(state.busy), [_ONE] * 32),
            under(_words("mul", "div", "divu"), finishing, low),
            under(_words("div", "divu"), negate, flipped(low)),
            under(_words("mulh", "mulhsu", "mulhu"), finishing, partial[:32]),
            under(_words("rem", "remu"), finishing, remainder),
            under(_words("rem", "remu"), negative, flipped(remainder)),
        ),
        inverted=disjoint_or(
            under(_words("div", "divu"), negate, [_ONE]),
            under(_words("rem", "remu"), negative, [_ONE]),
        ),
    )
