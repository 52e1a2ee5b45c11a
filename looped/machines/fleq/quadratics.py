"""Quadratics: sigmoid, sine and exponential, by Horner's rule.

    z = c2;   z = c1 + ⌊z r / 2^n⌉;   z = c0 + ⌊z r / 2^n⌉

r is the place of x in its segment, of n = fraction - 2 bits. `partial` is z. The accumulator begins
with a half, then each loop moves it to the right by a digit and adds z times a digit of r; at last
it moves by one bit less, since the last digit has a sign, and c1 or c0 is added.

A word beyond all segments is taken as the nearest one within.
"""

from __future__ import annotations

from dataclasses import dataclass

from looped.circuit.arithmetic import equal
from looped.circuit.circuit import Circuit
from looped.circuit.signals import Condition, Gated, Signal, Value, any_of_disjoint, literal
from looped.circuit.words import Word, bit, total
from looped.machines.fleq.bus import NOTHING, ONE, Bus, bits, sign_extended
from looped.machines.fleq.decode import Instruction
from looped.machines.fleq.modes import Lengths
from looped.machines.fleq.operands import LOW, TERMS
from looped.machines.fleq.state import DIGIT, State
from looped.machines.fleq.tables import PER_UNIT_BITS, REACH_BITS, coefficients

__all__ = ["evaluate", "next_coefficient"]


@dataclass(frozen=True, slots=True)
class _Domain:
    """Whether x is above or below all segments."""

    above: Condition
    below: Condition


def evaluate(m: Circuit, bus: Bus, x: Word, s: State, length: Lengths) -> Word:
    """All loops of a table except its coefficients; returns the segment."""
    shift = DIGIT * length.table_digits - 1
    bus.drive("kept", s.modes["half"], [*[NOTHING] * (shift - 1 + DIGIT), ONE])
    moved = sign_extended(s.accumulator, len(s.accumulator) + DIGIT)
    bus.drive("kept", s.modes["digit"], moved[DIGIT:])
    bus.drive("kept", s.modes["coefficient"], moved[DIGIT - 1 :][: len(s.accumulator)])
    z = bits(s.partial)
    for g, term in enumerate((LOW, *TERMS)):
        bus.drive(term, s.modes["digit"] & literal(s.low[g : g + 1]), z)
    bus.drive(LOW, s.modes["coefficient"], z)
    bus.drive("low", s.modes["digit"], bits(s.low[DIGIT:]))
    domain = _domain(x, length.fraction)
    _place(bus, x, s, domain, length)
    return _segment(m, x, domain, length.fraction)


def _domain(x: Word, fraction: int) -> _Domain:
    """A word within has copies of its sign above the bits of a segment."""
    copies = x[fraction + REACH_BITS : -1]
    ones, all_ones = total(copies), bit(x.sign[0]) * len(copies)
    return _Domain(Condition(ones - all_ones, 1), Condition(all_ones - ones, 1))


def _place(bus: Bus, x: Word, s: State, domain: _Domain, length: Lengths) -> None:
    """r, so that its last digit ends with a sign: in `low`, one bit further to the left."""
    size = length.fraction - PER_UNIT_BITS
    r, mode = bits(x[:size]), s.modes["half"]
    free = [NOTHING] * (DIGIT * length.table_digits - size)
    bus.drive("low", mode, [*free, *r])
    bus.drive("low", mode & domain.above, [*free, *(ONE - form for form in r)])
    bus.drive("low", mode & domain.below, [*free, *(-form for form in r)])


def _segment(m: Circuit, x: Word, domain: _Domain, fraction: int) -> Word:
    """The number of the segment, from 0 on."""
    signals = [
        Signal(form, (Gated(domain.above, ONE - form), Gated(domain.below, -form)))
        for form in bits(x[fraction - PER_UNIT_BITS : fraction + REACH_BITS])
    ]
    return m.let("segment", Value((*signals, Signal(ONE - bit(x.sign[0])))))


def next_coefficient(
    m: Circuit, bus: Bus, i: Instruction, s: State, segment: Word, length: Lengths
) -> None:
    """Give `partial` its next value: a coefficient of the function, z, or what is on the bus."""
    middle = length.table_digits + 1
    starts, starts_again = (s.modes["half"] & equal(s.step, n) for n in (0, middle + 1))
    ends = [s.modes["digit"] & equal(s.step, n) for n in (middle - 1, 2 * middle)]
    bus.drive("partial", starts_again, sign_extended(s.accumulator, m.width))
    bus.drive("partial", s.modes["digit"], bits(s.partial))
    for end in ends:
        bus.drive("partial", end, [-form for form in bits(s.partial)])
    kept = m.let("partial kept", bus.value("partial"))
    turns = [
        m.let(f"takes c{order}", any_of_disjoint([turn]))
        for order, turn in enumerate((*ends[::-1], starts))
    ]
    terms: list[list[Gated]] = [[] for _ in range(m.width)]
    for name, columns in coefficients(m.width, length.fraction).items():
        for order, (column, turn) in enumerate(zip(columns, turns, strict=True)):
            word = column.look_up(m, f"{name} c{order}", segment)
            called = any_of_disjoint([literal(turn) & i.calls(name)])
            picked = literal(m.let(f"{name} c{order} taken", called))
            top = [bit(word[-1]) if column.signed else NOTHING] * m.width
            for n, form in zip(range(m.width), [*bits(word), *top], strict=False):
                if form:
                    terms[n].append(Gated(picked, form))
    pairs = zip(kept, terms, strict=True)
    m.next(s.partial, Value(tuple(Signal(bit(lane), tuple(gated)) for lane, gated in pairs)))
