"""The schoolbook: what each loop of a multiplication or a division does with its working registers.

Multiply by a digit of four bits, add, shift right; subtract a multiple of the divisor, shift left,
compare for the next digit of two bits.
"""

from __future__ import annotations

from typing import NamedTuple

import z3

__all__ = [
    "SUM",
    "Scratch",
    "added",
    "digit_bits",
    "divisor",
    "finished",
    "fours_of",
    "is_quotient",
    "magnitude",
    "operand",
    "quotient_digit",
    "started",
    "stepped",
    "units_of",
]

SUM = 37
"""Bits of the sum of a step."""

_NO_DIGIT = z3.BitVecVal(0, 7)


class Scratch(NamedTuple):
    """The unfinished product or quotient.

    In a product, `second` is the second operand with a sign, and x[rs2] counts `once_more` at the
    end if the multiplier is unsigned and at least 2^31. In a quotient, `second` is the divisor, or
    the `complement` of a negative one; the dividend may be `negative`, and the quotient, so that it
    is to be negated. `digit` is 1, 2, minus, three, then 4, 8, minus, from the lowest bit on.
    """

    partial: z3.BitVecRef
    low: z3.BitVecRef
    second: z3.BitVecRef
    digit: z3.BitVecRef
    complement: z3.BoolRef
    negative: z3.BoolRef
    negate: z3.BoolRef
    once_more: z3.BoolRef


def started(funct3: z3.BitVecRef, a: z3.BitVecRef, b: z3.BitVecRef) -> Scratch:
    """The state after the first loop: both operands, their signs, and the first digit."""
    divides, signed = is_quotient(funct3), z3.Or(funct3 == 4, funct3 == 6)
    complement, negative = z3.And(signed, b < 0), z3.And(signed, a < 0)
    size = magnitude(funct3, a)
    top = z3.Extract(31, 30, size)
    number = z3.If(z3.ULT(funct3, 2), z3.SignExt(1, b), z3.ZeroExt(1, b))
    first = _booth(z3.Concat(z3.Extract(3, 0, a), z3.BitVecVal(0, 1)))
    quotient = quotient_digit(z3.ZeroExt(34, top), divisor(funct3, b))
    return Scratch(
        z3.If(divides, z3.ZeroExt(33, top), z3.BitVecVal(0, 35)),
        z3.If(divides, size << 2, a),
        z3.If(divides, z3.ZeroExt(1, z3.If(complement, ~b, b)), number),
        z3.If(divides, quotient, first),
        complement,
        negative,
        z3.And(signed, (a < 0) != (b < 0), b != 0),
        z3.And(funct3 == 3, a < 0),
    )


def added(s: Scratch) -> z3.BitVecRef:
    """`partial` and the digit times the second operand."""
    return z3.SignExt(SUM - 35, s.partial) + units_of(s) + fours_of(s)


def stepped(
    funct3: z3.BitVecRef, last: z3.BoolRef, s: Scratch, b: z3.BitVecRef, total: z3.BitVecRef
) -> Scratch:
    """The state after one of the loops in the middle; `total` is what is `added`."""
    divides = is_quotient(funct3)
    right, left = z3.Extract(SUM - 1, 4, total), z3.Extract(31, 0, total)
    more = z3.Concat(left, z3.Extract(31, 30, s.low))
    low = z3.Concat(z3.Extract(3, 0, total), z3.Extract(31, 4, s.low))
    quotient = quotient_digit(z3.ZeroExt(2, more), divisor(funct3, b))
    following = z3.If(divides, quotient, _booth(z3.Extract(7, 3, s.low)))
    return s._replace(
        partial=z3.If(divides, z3.ZeroExt(1, more), z3.SignExt(2, right)),
        low=z3.If(divides, z3.Concat(z3.Extract(29, 0, s.low), digit_bits(s)), low),
        digit=z3.If(last, _NO_DIGIT, following),
    )


def finished(funct3: z3.BitVecRef, s: Scratch, b: z3.BitVecRef) -> z3.BitVecRef:
    """The result, which the last loop takes from the two words."""
    rest, high = z3.Extract(33, 2, s.partial), z3.Extract(31, 0, s.partial)
    quotient, rest = z3.If(s.negate, -s.low, s.low), z3.If(s.negative, -rest, rest)
    more = z3.If(z3.And(funct3 == 3, s.once_more), b, z3.BitVecVal(0, 32))
    product = z3.If(funct3 == 0, s.low, high + more)
    return z3.If(z3.ULT(funct3, 4), product, z3.If(z3.ULT(funct3, 6), quotient, rest))


def is_quotient(funct3: z3.BitVecRef) -> z3.BoolRef:
    """Whether an instruction of the extension divides."""
    return z3.Extract(2, 2, funct3) == 1


def magnitude(funct3: z3.BitVecRef, word: z3.BitVecRef) -> z3.BitVecRef:
    """An operand of a division, without its sign if the division is signed."""
    return z3.If(z3.And(z3.Or(funct3 == 4, funct3 == 6), word < 0), -word, word)


def divisor(funct3: z3.BitVecRef, b: z3.BitVecRef) -> z3.BitVecRef:
    """The magnitude of the divisor, in 36 bits."""
    return z3.ZeroExt(4, magnitude(funct3, b))


def digit_bits(s: Scratch) -> z3.BitVecRef:
    """The digit of a quotient as a number of two bits."""
    one, two, three = (z3.Extract(n, n, s.digit) for n in (0, 1, 3))
    return z3.Concat(two, three | one & ~two)


def _booth(bits: z3.BitVecRef) -> z3.BitVecRef:
    """The digit of four bits of a multiplier and the bit below them."""
    units, fours = (_booth_part(z3.Extract(n + 2, n, bits)) for n in (0, 2))
    return z3.Concat(fours, z3.BitVecVal(0, 1), units)


def _booth_part(bits: z3.BitVecRef) -> z3.BitVecRef:
    """bits[0] + bits[1] - 2 bits[2], as one, two and minus."""
    low, middle, high = (z3.Extract(n, n, bits) for n in range(3))
    return z3.Concat(high & ~(low & middle), ~(low ^ middle) & (middle ^ high), low ^ middle)


def quotient_digit(rest: z3.BitVecRef, by: z3.BitVecRef) -> z3.BitVecRef:
    """The negative of the digit: how often a divisor fits, at most three times."""
    one, two, three = (
        z3.If(z3.UGE(rest, by * k), z3.BitVecVal(1, 1), z3.BitVecVal(0, 1)) for k in (1, 2, 3)
    )
    yes, no = z3.BitVecVal(1, 1), z3.BitVecVal(0, 1)
    return z3.Concat(yes, no, three, three, yes, two, one)


def units_of(s: Scratch) -> z3.BitVecRef:
    """The units of the digit times the second operand; once, if the digit is three."""
    one, two, minus, three = (z3.Extract(n, n, s.digit) == 1 for n in range(4))
    return z3.If(three, operand(s), _times(operand(s), one, two, minus))


def fours_of(s: Scratch) -> z3.BitVecRef:
    """The fours of the digit times the second operand."""
    return _times(operand(s), *(z3.Extract(n, n, s.digit) == 1 for n in range(4, 7))) << 2


def operand(s: Scratch) -> z3.BitVecRef:
    """The second operand with its sign, or the magnitude of the divisor."""
    number = z3.SignExt(SUM - 33, s.second)
    return z3.If(s.complement, number + 1, number)


def _times(
    number: z3.BitVecRef, one: z3.BoolRef, two: z3.BoolRef, minus: z3.BoolRef
) -> z3.BitVecRef:
    multiple = z3.If(two, number << 1, z3.If(one, number, z3.BitVecVal(0, SUM)))
    return z3.If(minus, -multiple, multiple)
