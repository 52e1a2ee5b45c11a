"""Division: quotient and remainder of magnitudes, a bit in each loop, without restoring.

The accumulator is a remainder r, which may be negative. With n the next bit of |x|, from the
highest on and then zeros, and q the bit that `r ≥ 0` stands for,

    r becomes 2 r + n - |y| if r ≥ 0, else 2 r + n + |y|;   q is moved into `partial`.

In the end a negative remainder lacks one |y|. The signs are put back: of the quotient it is that
of x y, of the remainder that of x. If y is zero every q is a one, so that the quotient saturates,
and r becomes |x|.
"""

from __future__ import annotations

from looped.circuit.circuit import Circuit
from looped.circuit.signals import Condition, Value, gated, literal
from looped.circuit.words import Form, Word, bit, constant, total
from looped.machines.fleq.bus import NOTHING, ONE, Bus, bits
from looped.machines.fleq.operands import LOW, TERMS, add_y, subtract_y
from looped.machines.fleq.state import State

__all__ = ["divide", "overflow", "shifted_in"]


def divide(bus: Bus, x: Word, y_sign: Word, s: State) -> None:
    """All loops of a quotient and of a remainder."""
    _magnitude(bus, x, s)
    remainder, width = bits(s.accumulator), len(x)
    bus.drive("kept", s.modes["first bit"], [remainder[width - 1]])
    bus.drive("low", s.modes["first bit"], [NOTHING, *remainder])
    bus.drive("kept", s.modes["next bit"], [bit(s.low[-1]), *remainder])
    bus.drive("low", s.modes["next bit"], [NOTHING, *bits(s.low)])
    bus.drive("partial", s.modes["next bit"], shifted_in(s))
    below, negative = literal(s.accumulator.sign), literal(y_sign)
    for mode in (s.modes["first bit"], s.modes["next bit"]):
        add_y(bus, mode & below & ~negative)
        add_y(bus, mode & ~below & negative)
        subtract_y(bus, mode & below & negative)
        subtract_y(bus, mode & ~below & ~negative)
    _quotient(bus, x, y_sign, s)
    _remainder(bus, x, y_sign, s)


def shifted_in(s: State) -> list[Form]:
    """`partial` with one more bit: whether the remainder is not negative."""
    return [constant(1) - bit(s.accumulator.sign[0]), *bits(s.partial)[:-1]]


def overflow(m: Circuit, s: State) -> None:
    """Note whether a one leaves `partial` in a division."""
    lost = Condition(bit(s.overflow[0]) + bit(s.partial[-1]), 1)
    m.next(s.overflow, Value(gated(s.modes["next bit"] & lost, ONE).signals))


def _magnitude(bus: Bus, x: Word, s: State) -> None:
    """|x| = x, or ~x + 1."""
    mode, negative = s.modes["magnitude"], literal(x.sign)
    bus.drive("kept", mode & ~negative, bits(x)[:-1])
    bus.drive("kept", mode & negative, [ONE - form for form in bits(x)[:-1]])
    bus.drive(LOW, mode & negative, [ONE])


def _quotient(bus: Bus, x: Word, y_sign: Word, s: State) -> None:
    """q, or -q = ~q + 1. If it needs more bits than a word has, the accumulator gets so many."""
    mode, width, size = s.modes["quotient"], len(x), len(s.accumulator)
    q = shifted_in(s)
    bus.drive(LOW, mode, q)
    exceeds = Condition(bit(s.overflow[0]) + total(s.partial[-2:]), 1)
    above = [NOTHING] * (width + 1)
    bus.drive("kept", mode & exceeds, [*above, ONE])
    signs = literal(x.sign), literal(y_sign)
    for opposite in (signs[0] & ~signs[1], ~signs[0] & signs[1]):
        bus.drive(LOW, mode & opposite, [ONE - form * 2 for form in q])
        bus.drive(TERMS[0], mode & opposite, [ONE])
        bus.drive("kept", mode & opposite & exceeds, [*above, NOTHING, *[ONE] * (size - width - 2)])


def _remainder(bus: Bus, x: Word, y_sign: Word, s: State) -> None:
    """r, or -r = ~r + 1. The one is in another term where y is added."""
    mode, remainder = s.modes["remainder"], bits(s.accumulator)
    below, x_negative, y_negative = map(literal, (s.accumulator.sign, x.sign, y_sign))
    bus.drive("kept", mode & ~x_negative, remainder)
    bus.drive("kept", mode & x_negative, [ONE - form for form in remainder])
    add_y(bus, mode & below & ~x_negative & ~y_negative)
    add_y(bus, mode & below & x_negative & y_negative)
    subtract_y(bus, mode & below & ~x_negative & y_negative)
    subtract_y(bus, mode & below & x_negative & ~y_negative)
    both = bit(s.accumulator.sign[0]) + bit(y_sign[0])
    bus.drive(LOW, mode & x_negative & ~Condition(both, 2), [ONE])
    bus.drive(TERMS[0], mode & x_negative & Condition(both, 2), [ONE])
