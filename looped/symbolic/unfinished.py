"""An unfinished product or quotient: its registers, and what holds between two of its loops."""

from __future__ import annotations

from collections.abc import Mapping

import z3

from looped.symbolic.loop import Loop
from looped.symbolic.schoolbook import Scratch, divisor, is_quotient, quotient_digit, started

__all__ = [
    "END",
    "FIRST_OF_PRODUCT",
    "SCRATCH",
    "at_most_digits",
    "held_within",
    "instruction",
    "operands",
    "scratch",
]

END = 16
"""The count in the last loop."""

FIRST_OF_PRODUCT = 8
"""The count after the first loop of a product; that of a quotient is zero."""

KEPT = ("complement", "negative", "negate", "once more")
SCRATCH = ("busy", "count", "partial", "low", "second operand", "digit", *KEPT)
"""The registers that are zero between two instructions."""


def instruction(loop: Loop) -> z3.BitVecRef:
    """The word at the program counter."""
    bits = loop.circuit.address_bits
    return loop.memory.at(z3.Extract(bits + 1, 2, loop.registers["pc"]))


def operands(loop: Loop) -> tuple[z3.BitVecRef, z3.BitVecRef, z3.BitVecRef]:
    """funct3, x[rs1] and x[rs2]."""
    word = instruction(loop)
    a, b = (loop.file.at(z3.Extract(at + 4, at, word)) for at in (15, 20))
    return z3.Extract(14, 12, word), a, b


def scratch(words: Mapping[str, z3.BitVecRef]) -> Scratch:
    """The working registers among all registers."""
    numbers = (words[name] for name in ("partial", "low", "second operand", "digit"))
    return Scratch(*numbers, *(words[name] == 1 for name in KEPT))


def held_within(loop: Loop, words: Mapping[str, z3.BitVecRef]) -> list[z3.BoolRef]:
    """What holds between two loops of one instruction."""
    funct3, a, b = operands(loop)
    s, first, count = scratch(words), started(funct3, a, b), words["count"]
    by, rest = divisor(funct3, b), z3.ZeroExt(1, s.partial)
    fits = z3.If(by == 0, at_most_digits(s.partial, count), z3.ULT(rest, by * 4))
    chosen = z3.And(fits, s.digit == quotient_digit(rest, by))
    return [
        z3.ULE(count, END),
        z3.Or(is_quotient(funct3), z3.UGE(count, FIRST_OF_PRODUCT)),
        *(kept == z3.simplify(now) for kept, now in zip(s[4:], first[4:], strict=True)),
        s.second == first.second,
        z3.Or(z3.Not(is_quotient(funct3)), count == END, chosen),
    ]


def at_most_digits(number: z3.BitVecRef, count: z3.BitVecRef) -> z3.BoolRef:
    """Whether a number has not more digits of two bits than loops have read."""
    places = z3.ZeroExt(number.size() - count.size(), count) * 2 + 2
    return z3.LShR(number, places) == 0
