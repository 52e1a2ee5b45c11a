"""Accumulator: what the adder adds to in sums and products, and the result that is read off it.

A sum of products begins with a half, so that it is rounded half up. After all products with one
digit it moves to the right by a digit, and the lowest bits of it leave it for `low`. A sum of two
numbers begins with x. Results saturate.
"""

from __future__ import annotations

from dataclasses import dataclass

from looped.circuit.arithmetic import matches
from looped.circuit.circuit import Circuit
from looped.circuit.signals import Condition, Gated, Signal, Value, literal
from looped.circuit.words import Form, Word, bit, constant, total
from looped.isa.fleq import FUNCTIONS
from looped.machines.fleq.bus import NOTHING, ONE, Bus, bits, sign_extended
from looped.machines.fleq.decode import Instruction
from looped.machines.fleq.state import DIGIT, State
from looped.machines.fleq.tables import EXTRA

__all__ = ["accumulate", "result"]


def accumulate(bus: Bus, i: Instruction, x: Word, s: State, fraction: int) -> None:
    """Put what sums and products add to on the bus."""
    size = len(s.accumulator)
    shifts = literal(s.shift)
    stays = s.modes["product"] & ~shifts
    bus.drive("kept", s.fetches & i.calls("mul"), [*[NOTHING] * (fraction - 1), ONE])
    bus.drive("kept", stays, bits(s.accumulator))
    bus.drive("low", stays, bits(s.low))
    bus.drive("kept", shifts, sign_extended(s.accumulator, size + DIGIT)[DIGIT:])
    bus.drive("low", shifts, [*bits(s.low)[DIGIT:], *bits(s.accumulator)[:DIGIT]])
    bus.drive("kept", s.modes["sum"], sign_extended(x, size))


@dataclass(frozen=True, slots=True)
class _Kind:
    """Where the result of some functions is: its bits, and where the accumulator exceeds them."""

    called: Condition
    bits: list[Form]
    first: int


def result(m: Circuit, i: Instruction, s: State, digits: int, fraction: int) -> Word:
    """The result, in the loop that writes it; `digits` are those of a multiplier."""
    left, function = (digits - 1) * DIGIT, i.field("function")
    number = sign_extended(s.accumulator, len(s.accumulator) + m.width)
    product = [*bits(s.low)[m.width - left :], *number]
    scaled = FUNCTIONS["sigmoid"].number
    assert FUNCTIONS["sin"].number == scaled | 1
    kinds = [
        _Kind(i.calls("mul"), product[fraction:], m.width - 1 + fraction - left),
        _Kind(i.calls("relu") & ~literal(s.accumulator.sign), number, m.width - 1),
        _Kind(literal(function[4:]), number, m.width - 1),
        _Kind(matches(function, 0b11110, scaled), number[EXTRA:], m.width - 1 + EXTRA),
    ]
    return m.let("result", Value(tuple(_result_bit(kinds, s, n, m.width) for n in range(m.width))))


def _result_bit(kinds: list[_Kind], s: State, n: int, width: int) -> Signal:
    top = bit(s.accumulator.sign[0])
    terms = []
    for kind in kinds:
        if n == width - 1:
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
