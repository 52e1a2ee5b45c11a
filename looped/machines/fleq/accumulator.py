"""Accumulator: what the adder adds to, and the result that is read off it, saturated.

A sum of products begins with a half, so that it is rounded half up. After all products with one
digit it moves to the right by a digit, and the lowest bits of it leave it for `low`.
"""

from __future__ import annotations

from dataclasses import dataclass

from looped.circuit.circuit import Circuit
from looped.circuit.signals import Condition, Gated, Signal, Value, literal
from looped.circuit.words import Form, Word, bit, constant, total
from looped.machines.fleq.decode import Instruction
from looped.machines.fleq.state import DIGIT, State, digits

__all__ = ["accumulate", "result"]


def accumulate(m: Circuit, i: Instruction, s: State, fraction: int) -> Word:
    """What is added to in this loop; gives `low` its next value."""
    product = i.calls("mul")
    shifts = s.computes & literal(s.shift)
    stays = s.computes & product & ~literal(s.shift)
    begins = s.fetches & product
    kept = []
    for n in range(len(s.accumulator)):
        terms = [Gated(stays, _bit(s, n)), Gated(shifts, _bit(s, n + DIGIT))]
        if n == fraction - 1:
            terms.append(Gated(begins, constant(1)))
        kept.append(Signal(constant(0), tuple(terms)))
    moved = [*map(bit, s.low[DIGIT:]), *map(bit, s.accumulator[:DIGIT])]
    lows = (
        Signal(bit(lane), (Gated(shifts, form - bit(lane)), Gated(~s.computes, -bit(lane))))
        for lane, form in zip(s.low, moved, strict=True)
    )
    m.next(s.low, Value(tuple(lows)))
    return m.let("kept", Value(tuple(kept)))


def _bit(s: State, n: int) -> Form:
    """A bit of the accumulator; its sign continues it."""
    return bit(s.accumulator[min(n, len(s.accumulator) - 1)])


@dataclass(frozen=True, slots=True)
class _Kind:
    """Where the result of some functions is: its bits, and where the accumulator exceeds them."""

    called: Condition
    bits: list[Form]
    first: int


def result(m: Circuit, i: Instruction, s: State, fraction: int) -> Word:
    """The result, in the loop that writes it."""
    left = (digits(m.width) - 1) * DIGIT
    product = [
        bit(s.low[m.width - left + n]) if n < left else _bit(s, n - left)
        for n in range(fraction, fraction + m.width)
    ]
    plain = [_bit(s, n) for n in range(m.width)]
    negative = literal(s.accumulator.sign)
    kinds = [
        _Kind(i.calls("mul"), product, m.width - 1 + fraction - left),
        _Kind(i.calls("relu") & ~negative, plain, m.width - 1),
        _Kind(literal(i.field("function")[4:]), plain, m.width - 1),
    ]
    return m.let("result", Value(tuple(_result_bit(kinds, s, n) for n in range(m.width))))


def _result_bit(kinds: list[_Kind], s: State, n: int) -> Signal:
    top = bit(s.accumulator.sign[0])
    terms = []
    for kind in kinds:
        if n == len(kind.bits) - 1:
            terms.append(Gated(kind.called, top))
            continue
        rest = s.accumulator[kind.first : -1]
        over = Condition(total(rest) - top * len(rest), 1)
        under = Condition(top * len(rest) - total(rest), 1)
        terms += [
            Gated(kind.called, kind.bits[n]),
            Gated(kind.called & over, constant(1) - kind.bits[n]),
            Gated(kind.called & under, -kind.bits[n]),
        ]
    return Signal(constant(0), tuple(terms))
