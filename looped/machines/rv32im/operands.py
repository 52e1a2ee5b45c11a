"""The operands of the addition in each loop of a multiplication or a division.

| loop  | product                               | quotient                                         |
|-------|---------------------------------------|--------------------------------------------------|
| first | x[rs1]                                | x[rs1] - 1, used if the dividend is negative     |
| 32    | high, plus x[rs2] if low is odd       | high and the next bit of low, minus the divisor  |
| last  | high or low                           | high or low, plus one if it is complemented      |

The last bit of a signed multiplier counts -2^31, so the last step subtracts x[rs2]. A division
subtracts the divisor by adding it if the divisor is negative or the remainder is complemented, but
not both.
"""

from __future__ import annotations

from collections.abc import Iterable

from looped.circuit.signals import Condition, Value, any_of_disjoint, disjoint_or, gated, literal
from looped.circuit.words import Form, Word, bit, constant
from looped.isa.rv32im import EXTENSION, TELLING_BIT
from looped.machines.rv32i.extension import OperandPorts
from looped.machines.rv32i.patterns import Pattern, fields, match
from looped.machines.rv32im.scratch import Scratch

__all__ = ["operands"]

_ONES = [constant(1)] * 32


def _words(*mnemonics: str) -> list[Pattern]:
    return fields(*mnemonics, funct3=True, telling_bit=TELLING_BIT)


_EVERY = _words(*EXTENSION)
_PRODUCTS = _words("mul", "mulh", "mulhsu", "mulhu")
_QUOTIENTS = _words("div", "divu", "rem", "remu")


def operands(instruction: Word, state: Scratch) -> OperandPorts:
    """The ports of RV32I's operands; for these instructions RV32I itself sets only `rs1`."""
    rs1, rs2 = ([*map(bit, instruction[at : at + 5])] for at in (15, 20))
    high, low = ([*map(bit, word)] for word in (state.high, state.low))

    def under(patterns: Iterable[Pattern], also: Condition, forms: Iterable[Form]) -> Value:
        bits = [*forms]
        return disjoint_or(*(gated(match(instruction, p) & also, *bits) for p in patterns))

    odd = literal(state.low[:1])
    step, finishing, opposite = state.stepping, state.finishing, literal(state.opposite)
    takes = [match(instruction, p) & state.at_last_step & odd for p in _words("mulh", "mulhsu")]
    takes += [match(instruction, p) & step & ~opposite for p in _QUOTIENTS]
    away = disjoint_or(*(gated(condition, *rs2) for condition in takes))
    return OperandPorts(
        rs1=under(_EVERY, literal(state.busy), [-form for form in rs1]),
        first=disjoint_or(
            under(_PRODUCTS, step, high),
            under(_QUOTIENTS, step, [low[-1], *high[:-1]]),
        ),
        rs2_add=disjoint_or(
            under(_PRODUCTS, step & odd, rs2),
            under(_words("mulh", "mulhsu"), state.at_last_step & odd, [-form for form in rs2]),
            under(_QUOTIENTS, step & opposite, rs2),
        ),
        rs2_sub=away,
        second=disjoint_or(
            under(_QUOTIENTS, ~literal(state.busy), _ONES),
            *(gated(condition, *_ONES) for condition in takes),
            under(_words("mul", "div", "divu"), finishing, low),
            under(_words("mulh", "mulhsu", "mulhu", "rem", "remu"), finishing, high),
        ),
        inverted=disjoint_or(
            any_of_disjoint(takes),
            under(_words("div", "divu"), finishing & literal(state.negate), [constant(1)]),
            under(_words("rem", "remu"), finishing & literal(state.negative), [constant(1)]),
        ),
    )
