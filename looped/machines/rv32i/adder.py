"""A 32-bit adder over two blocks: the low bits and a carry in one MLP, the high bits in the next.

The cut lies above all bits of an address in memory. The high sum is also available as a form, and
comparisons are thresholds of it: with a complement as second operand and a carry of one the adder
subtracts, and x ≥ y holds for unsigned numbers where the whole sum carries. For signed numbers, x ≥
y where the sum with both signs flipped carries.
"""

from __future__ import annotations

from dataclasses import dataclass

from looped.circuit.arithmetic import slice_sum
from looped.circuit.circuit import Circuit
from looped.circuit.signals import Condition, Value
from looped.circuit.words import Form, Word, bit

__all__ = ["Adder", "adder"]

_CUT = 18
"""Two more than half: a high sum and the faults of an address then add up below 2^19."""


@dataclass(frozen=True, slots=True)
class Adder:
    """The sum of two words and a carry.

    `low` are its low bits in lanes, `low_bits` the same as a value; `high` are its high bits, not
    yet in lanes. `low_total` and `high_total` are the sums of the two parts, with their carries.
    `unsigned` holds where the whole sum carries, `signed` where the sum with both signs flipped
    carries.
    """

    low: Word
    low_bits: Value
    low_total: Form
    high: Value
    high_total: Form
    unsigned: Condition
    signed: Condition

    @property
    def low_limit(self) -> int:
        """The least low sum that carries."""
        return 1 << len(self.low)

    @property
    def high_limit(self) -> int:
        """The least high sum that carries."""
        return 1 << len(self.high)


def adder(m: Circuit, name: str, x: Word, y: Word, carry: Form) -> Adder:
    """`x + y + carry`; the low bits become the word `name`."""
    cut = max(_CUT, m.address_bits + 2)
    low, low_total = slice_sum(x[:cut], y[:cut], carry)
    passed = m.let(f"{name} carry", Condition(low_total, 1 << cut))
    high, high_total = slice_sum(x[cut:], y[cut:], bit(passed[0]))
    limit = 1 << len(high)
    signs = bit(x.sign[0]) + bit(y.sign[0])
    return Adder(
        m.let(name, low),
        low,
        low_total,
        high,
        high_total,
        unsigned=Condition(high_total, limit),
        signed=Condition(high_total - signs * limit + limit, limit),
    )
