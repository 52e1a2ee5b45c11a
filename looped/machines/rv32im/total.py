"""The sum of a step: `partial`, and a digit times the second operand.

| block | MLP                                                                              |
|-------|----------------------------------------------------------------------------------|
| 1     | two rows: the units of the digit times the operand, the fours times the operand  |
| 2     | three ones in a place are a one there and one in the next: two rows are left     |
| 3     | the low bits of their sum                                                        |
| 4     | its high bits                                                                    |

A row is complemented if its digit is negative; then a carry adds one. A complemented divisor, z, is
one less than its magnitude. Twice the magnitude is 2 z + 2, and the row is 2 z + 1: so a row has no
carry if its digit is negative, and one if it is positive.
"""

from __future__ import annotations

from dataclasses import dataclass

from looped.circuit.arithmetic import slice_sum
from looped.circuit.circuit import Circuit
from looped.circuit.signals import Condition, Gated, Signal, Value, any_of_disjoint, literal
from looped.circuit.words import Form, Lane, Word, bit, constant
from looped.machines.rv32im.scratch import PARTIAL, SECOND, Digit, Scratch

__all__ = ["CUT", "TOTAL", "Total", "add_digit"]

TOTAL = 37
"""Bits of the sum, signed: it is less than 9 · 2^32."""

CUT = 18
"""The bits that block 3 adds up. Then three times a divisor is compared exactly in float32."""

_ROW = SECOND + 1
_Place = tuple[Lane, Lane, Lane]
_ONE, _ZERO = constant(1), constant(0)


@dataclass(frozen=True, slots=True)
class Total:
    """The sum of a step as two rows and a carry, and its bits: `low` in lanes, `high` not yet."""

    ones: Word
    carries: Word
    carry: Form
    low: Word
    high: Value


def add_digit(m: Circuit, s: Scratch, steps: Word) -> Total:
    """`partial + (units + 4 fours) · second`, for a negative divisor with its own sign."""
    three = literal(s.three)
    units, carry = _row(m, "units", s.units, s, ~three)
    fours, carry_of_fours = _row(m, "fours", s.fours, s, None)
    units_carry = m.let("units carry", any_of_disjoint([*carry, three & literal(s.complement)]))
    fours_carry = m.let("fours carry", any_of_disjoint(carry_of_fours))
    places = [_place(s.partial, units, fours, fours_carry, i) for i in range(TOTAL)]
    ones = m.let("ones", Value(tuple(_odd(place, literal(steps)) for place in places)))
    carries = m.let("carries", Value(tuple(_two(place, literal(steps)) for place in places[:-1])))
    rows = ones, Word("carries", (*units_carry, *carries))
    last = bit(fours_carry[0])
    low, low_total = slice_sum(rows[0][:CUT], rows[1][:CUT], last)
    passed = m.let("total carry", Condition(low_total, 1 << CUT))
    high, _ = slice_sum(rows[0][CUT:], rows[1][CUT:], bit(passed[0]))
    return Total(*rows, last, m.let("total low", m.select(steps, low, 0)), high)


def _row(
    m: Circuit, name: str, digit: Digit, s: Scratch, also: Condition | None
) -> tuple[Word, list[Condition]]:
    """A digit times the second operand, and when a one is missing; `also` is when the digit counts,
    and if it does not, the row is the operand itself."""
    two, minus = literal(digit.two), literal(digit.negative)
    one = literal(digit.one) & ~two
    if also is not None:
        one, two = one & also, two & also
    below = [*s.complement, *s.second]
    signals = []
    for i in range(_ROW):
        same, shifted = bit(s.second[min(i, SECOND - 1)]), bit(below[i])
        terms = [
            Gated(one, same),
            Gated(one & minus, _ONE - same * 2),
            Gated(two, shifted),
            Gated(two & minus, _ONE - shifted * 2),
        ]
        if also is not None:
            terms.append(Gated(~also, same))
        signals.append(Signal(_ZERO, tuple(terms)))
    lacking = minus & ~literal(s.complement)
    return m.let(name, Value(tuple(signals))), [one & lacking, two & lacking]


def _place(partial: Word, units: Word, fours: Word, fours_carry: Word, i: int) -> _Place:
    """The bits of a place. Below the fours there is room for three of the four that they lack."""
    four = fours_carry[0] if i < 2 else fours[min(i - 2, _ROW - 1)]
    return partial[min(i, PARTIAL - 1)], units[min(i, _ROW - 1)], four


def _odd(place: _Place, steps: Condition) -> Signal:
    """Whether one of three bits is set, or all: the third, flipped if the others differ."""
    third = bit(place[2])
    flips = (Gated(steps & c, _ONE - third * 2) for c in _differ(place))
    return Signal(_ZERO, (Gated(steps, third), *flips))


def _two(place: _Place, steps: Condition) -> Signal:
    """Whether two of three bits are set, or all: the third if the others differ."""
    first, second, third = map(bit, place)
    both = Gated(steps & Condition(first + second, 2), _ONE)
    return Signal(_ZERO, (both, *(Gated(steps & c, third) for c in _differ(place))))


def _differ(place: _Place) -> tuple[Condition, Condition]:
    first, second = (Condition(bit(lane), 1) for lane in place[:2])
    return first & ~second, ~first & second
