"""Sums of any integer forms, by thresholds at multiples.

The bit 2^i of an integer U is the parity of ⌊U / 2^i⌋, which changes at every multiple of 2^i:

    ⌊U / 2^i⌋ = ⌊min U / 2^i⌋ + Σ_n [U ≥ n 2^i]   over the multiples above min U and up to max U,

so a bit takes one threshold for each multiple in its reach, with alternating signs. What stands
above 2^i in U does not change the bit, so U is the sum of the places up to i. A form may stand for
several ones in a place, or for ones that are subtracted: then the sum is in two's complement.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from looped.circuit.signals import Condition, Gated, Signal, Value
from looped.circuit.words import Form, constant

__all__ = ["WideSum", "bits_of", "multiples", "wide_sum"]


@dataclass(frozen=True, slots=True)
class WideSum:
    """A sum of places: its `bits`, as many as there are places, and the whole sum as a form.

    What it carries out, ⌊total / 2^len(bits)⌋, is `least` and one more for each condition of
    `carried` that holds.
    """

    bits: Value
    total: Form
    carried: tuple[Condition, ...]
    least: int


def wide_sum(places: Sequence[Form], carry: Form | None = None) -> WideSum:
    """`carry + Σ 2^i places[i]`, where each place is an integer for all signs of its lanes.

    Every partial sum must be exact in the format of the machine: with `n` places and forms between
    -m and m it stays below m 2^n.
    """
    total = constant(0) if carry is None else carry
    signals = []
    for i, place in enumerate(places):
        total = total + place * (1 << i)
        signals.append(_bit_of(total, 1 << i))
    reached, least = multiples(total, 1 << len(places))
    return WideSum(Value(tuple(signals)), total, reached, least)


def bits_of(number: Form, count: int) -> Value:
    """The lowest `count` bits of an integer form, in two's complement."""
    return Value(tuple(_bit_of(number, 1 << i) for i in range(count)))


def _bit_of(number: Form, unit: int) -> Signal:
    reached, least = multiples(number, unit)
    odd = least % 2
    signs = (1 if (least + n) % 2 else -1 for n in range(1, len(reached) + 1))
    terms = (Gated(c, constant(sign)) for c, sign in zip(reached, signs, strict=True))
    return Signal(constant(odd), tuple(terms))


def multiples(number: Form, unit: int) -> tuple[tuple[Condition, ...], int]:
    """The thresholds at the multiples of a unit that a form may or may not reach; ⌊min / unit⌋.

    ⌊form / unit⌋ is the second, and one more for each threshold that is reached.
    """
    least, most = int(number.minimum // unit), int(number.maximum // unit)
    return tuple(Condition(number, n * unit) for n in range(least + 1, most + 1)), least
