"""Root: the square root, a bit in each loop, without restoring.

The accumulator is a remainder r, which may be negative; `partial` is the root Q so far. With n the
next two bits of x, from the highest on and then zeros, and q the bit that `r ≥ 0` stands for,

    Q becomes 2 Q + q;   r becomes 4 r + n - (4 Q + 1) if q = 1, else 4 r + n + (4 Q + 3).

In terms of the old Q that is -8 Q - 5 or 8 Q + 3: t0 = 3, and t2 = 2 (~Q) or 2 Q. At first Q is
zero and r becomes n - 1. The root of a negative number is that of zero.
"""

from __future__ import annotations

from looped.circuit.signals import literal
from looped.circuit.words import Word, bit
from looped.machines.fleq.bus import NOTHING, ONE, Bus, bits
from looped.machines.fleq.division import shifted_in
from looped.machines.fleq.operands import LOW, TERMS
from looped.machines.fleq.state import State

__all__ = ["take_root"]


def take_root(bus: Bus, x: Word, s: State, fraction: int) -> None:
    """All loops of a square root."""
    _first_pair(bus, x, s, fraction)
    mode = s.modes["next pair"]
    bus.drive("kept", mode, [*bits(s.low[-2:]), *bits(s.accumulator)])
    bus.drive("low", mode, [NOTHING, NOTHING, *bits(s.low)])
    bus.drive("partial", mode, shifted_in(s))
    bus.drive(TERMS[0], mode, [ONE, ONE])
    root = bits(s.partial)
    bus.drive(TERMS[2], mode, [NOTHING, *root])
    not_below = mode & ~literal(s.accumulator.sign)
    bus.drive(TERMS[2], not_below, [NOTHING, *(ONE - form * 2 for form in root)])
    bus.drive(LOW, s.modes["root"], shifted_in(s))


def _first_pair(bus: Bus, x: Word, s: State, fraction: int) -> None:
    """n - 1. Below the sign of x the pair has a zero on top if the bits are odd in number."""
    mode = s.modes["first pair"]
    pair = 2 if (len(x) - 1 + fraction) % 2 == 0 else 1
    positive = mode & ~literal(x.sign)
    bus.drive("kept", positive, [bit(lane) for lane in x[-1 - pair : -1]])
    bus.drive("low", positive, [*[NOTHING] * (1 + pair), *bits(x)])
    bus.drive(TERMS[0], mode, [ONE, ONE])
    bus.drive(TERMS[2], mode, [ONE])
    bus.drive(TERMS[3], mode, [ONE])
