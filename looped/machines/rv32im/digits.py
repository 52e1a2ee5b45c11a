"""The digits of multipliers and quotients: each loop finds the one that the next loop needs.

A multiplier has eight digits of four bits, from the lowest on (Booth 1951):

    x[4n-1] + x[4n] - 2 x[4n+1]  units, and  x[4n+1] + x[4n+2] - 2 x[4n+3]  fours.

A quotient has sixteen of two bits, from the highest on. Each is the number of k in 1, 2, 3 for
which k divisors fit into the remainder, shifted left, and the next two bits of the dividend. A
divisor is z, or z + 1 if z is its complement. No lane holds a multiple of it: to compare is to ask
whether a form is negative, in two slices.

Functions return the word `digit` of Scratch, zero where their condition does not hold.
"""

from __future__ import annotations

from collections.abc import Callable

from looped.circuit.circuit import Circuit
from looped.circuit.signals import (
    Condition,
    Signal,
    Value,
    any_of_disjoint,
    disjoint_or,
    gated,
    literal,
    value,
)
from looped.circuit.sums import multiples
from looped.circuit.words import Word, bit, constant, total, unsigned
from looped.machines.rv32im.scratch import Scratch
from looped.machines.rv32im.total import CUT, Total

__all__ = [
    "DIGIT",
    "QUOTIENT_DIGIT",
    "first_of_multiplier",
    "first_of_quotient",
    "of_multiplier",
    "of_quotient",
    "small",
]

DIGIT, QUOTIENT_DIGIT = 4, 2
"""Bits of a digit of a multiplier, and of a quotient."""

_ONE, _ZERO = constant(1), constant(0)
_FITTING = range(1, 1 << QUOTIENT_DIGIT)
_COMPARED = 34
"""Bits of a remainder that are compared. Two rows have the right sum up to 2^34."""


def first_of_multiplier(starts: Condition, x: Word) -> Value:
    """The lowest digit of x."""
    units = _booth(starts, x[:2], None)
    return Value((*units, Signal(_ZERO), *_booth(starts, x[2:4], x[1:2])))


def of_multiplier(continues: Condition, low: Word) -> Value:
    """The digit behind the one that leaves `low`."""
    units = _booth(continues, low[4:6], low[3:4])
    return Value((*units, Signal(_ZERO), *_booth(continues, low[6:8], low[5:6])))


def _booth(also: Condition, pair: Word, below: Word | None) -> tuple[Signal, ...]:
    """`one`, `two` and `minus` of below + pair[0] - 2 pair[1]."""
    low, high = literal(pair[:1]), literal(pair[1:])
    if below is None:
        parts = [[also & low], [also & ~low & high], [also & high]]
    else:
        under = literal(below)
        parts = [
            [also & under & ~low, also & ~under & low],
            [also & under & low & ~high, also & ~under & ~low & high],
            [also & high & ~low, also & high & low & ~under],
        ]
    return tuple(any_of_disjoint(conditions).signals[0] for conditions in parts)


def small(m: Circuit, starts: Condition, complement: Word, divisor: Word) -> list[Condition]:
    """For 0 to 3, whether a division starts by a divisor that is not greater.

    Its two lowest bits count as they are, every other as four.
    """
    size = unsigned(divisor[:2]) + total(divisor[2:]) * 4
    negated = constant(3) - unsigned(divisor[:2]) + (total(divisor[2:]) * -4 + 4 * 30 + 1)
    negative = literal(complement)
    words = []
    for most in range(4):
        found = [starts & ~negative & ~Condition(size, most + 1)]
        if most:
            found.append(negative & ~Condition(negated, most + 1))
        words.append(m.let(f"divisor up to {most}", any_of_disjoint(found)))
    return [literal(word) for word in words]


def first_of_quotient(
    starts: Condition, fits: list[Condition], tops: Callable[[int], list[Condition]]
) -> Value:
    """The digit of the two highest bits of the dividend.

    `fits` are the conditions of `small`, `tops` those, disjoint, in which a number is these bits.
    """
    held = [
        any_of_disjoint(fits[n // k] & top for n in range(1 << QUOTIENT_DIGIT) for top in tops(n))
        for k in _FITTING
    ]
    return _negative(held, any_of_disjoint([starts]))


def of_quotient(m: Circuit, continues: Condition, s: Scratch, done: Total) -> Value:
    """The digit of the remainder that a step leaves, and the next bits of the dividend."""
    held = [_fits(m, k, continues, s, done) for k in _FITTING]
    return _negative(held, any_of_disjoint([continues]))


def _negative(fits: list[Value], minus: Value) -> Value:
    """The negative of a digit: -3 is 1 - 4."""
    one, two, three = (value.signals[0] for value in fits)
    sign = minus.signals[0]
    return Value((one, two, sign, three, three, Signal(_ZERO), sign))


def _fits(m: Circuit, k: int, continues: Condition, s: Scratch, done: Total) -> Value:
    """Whether k divisors fit: the difference is not negative, or less than that of 2^34 more."""
    small_cut = CUT + QUOTIENT_DIGIT
    rows = done.ones, done.carries
    low = done.carry + sum((unsigned(row[:CUT]) for row in rows), _ZERO)
    divisor = unsigned(s.second[:small_cut]) + bit(s.complement[0])
    difference = low * (1 << QUOTIENT_DIGIT) + unsigned(s.low[-QUOTIENT_DIGIT:]) - divisor * k
    reached, least = multiples(difference, 1 << small_cut)
    passed = total(m.let(f"below fit {k}", value(reached, len(reached)))) + least
    above = sum((unsigned(row[CUT:_COMPARED]) for row in rows), passed)
    above = above - unsigned(s.second[small_cut:32]) * k
    limit = 1 << _COMPARED - CUT
    return disjoint_or(
        gated(continues & Condition(above, 0), _ONE),
        gated(continues & Condition(above, limit // 2), -_ONE),
        gated(continues & Condition(above, limit), _ONE),
    )
