"""A 32-bit adder over two blocks: the low bits and a carry in one MLP, the high bits in the next.

The cut lies above all bits of an address in memory. A sum of so many bits must be exact: from 2^21
words on, the low bits are two slices and take two blocks. The high sum is also available as a form,
and comparisons are thresholds of it: with a complement as second operand and a carry of one the
adder subtracts, and x ≥ y holds for unsigned numbers where the whole sum carries. For signed
numbers, x ≥ y where the sum with both signs flipped carries.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from looped.circuit.arithmetic import slice_sum
from looped.circuit.circuit import Circuit
from looped.circuit.signals import Condition, Signal, Value, disjoint_or, gated
from looped.circuit.words import Form, Word, bit, constant

__all__ = ["Adder", "adder"]

_CUT = 18
"""Two more than half: a high sum and the faults of an address then add up below 2^19."""

_WIDEST = 22
"""Bits of a slice: its sum and the products with ±1 take two more, and float32 has 24."""


@dataclass(frozen=True, slots=True)
class Adder:
    """The sum of two words and a carry.

    `low` are its low bits in lanes, `low_bits` the same as a value; `high` are its high bits, not
    yet in lanes. `low_totals` are the sums of the slices of the low part, `high_total` is the sum
    of the high part, all with their carries. `unsigned` holds where the whole sum carries, `signed`
    where the sum with both signs flipped carries.
    """

    low: Word
    low_bits: Value
    low_totals: tuple[Form, ...]
    high: Value
    high_total: Form
    unsigned: Condition
    signed: Condition

    @property
    def high_limit(self) -> int:
        """The least high sum that carries."""
        return 1 << len(self.high)

    def low_total(self, m: Circuit, name: str) -> tuple[Form, int]:
        """A form, and what it is exactly if the low sum is 2^len(low) and not zero.

        Of two slices the form is twice the sum of the upper one, and a bit that says whether the
        lower one is at its limit.
        """
        limit = 1 << len(self.low) // len(self.low_totals)
        if len(self.low_totals) == 1:
            return self.low_totals[0], limit
        lower, upper = self.low_totals
        least, more = Condition(lower, limit), Condition(lower, limit + 1)
        there = disjoint_or(gated(least, constant(1)), gated(more, constant(-1)))
        return upper * 2 + bit(m.let(f"{name} lower half", there)[0]), 2 * limit + 1


def adder(m: Circuit, name: str, x: Word, y: Word, carry: Form) -> Adder:
    """`x + y + carry`; the low bits become the word `name`."""
    cut = max(_CUT, m.address_bits + 2)
    cuts = [0, cut] if cut <= _WIDEST else [0, (cut + 1) // 2, (cut + 1) // 2 * 2]
    signals: list[Signal] = []
    words, totals = [], []
    for part, (start, end) in enumerate(itertools.pairwise(cuts)):
        bits, total = slice_sum(x[start:end], y[start:end], carry)
        own = name if end == cuts[-1] else f"{name} {part}"
        passed = m.let(f"{own} carry", Condition(total, 1 << end - start))
        words.append(m.let(own if len(cuts) == 2 else f"{own} bits", bits))
        carry = bit(passed[0])
        signals += bits.signals
        totals.append(total)
    high, high_total = slice_sum(x[cuts[-1] :], y[cuts[-1] :], carry)
    limit = 1 << len(high)
    signs = bit(x.sign[0]) + bit(y.sign[0])
    return Adder(
        Word(name, tuple(lane for word in words for lane in word)),
        Value(tuple(signals)),
        tuple(totals),
        high,
        high_total,
        unsigned=Condition(high_total, limit),
        signed=Condition(high_total - signs * limit + limit, limit),
    )
