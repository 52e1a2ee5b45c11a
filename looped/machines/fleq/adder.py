"""Adder: the accumulator and five terms of different weights, over three blocks.

The lowest places are added at once. Of every other place the ones are counted, and the counts are
added in two slices: the next places, then the highest. A place may have one less than nothing, so
one is added to each count; over all places that is 2^n - 2^first, and a carry of one makes it 2^n.
"""

from __future__ import annotations

from looped.circuit.circuit import Circuit
from looped.circuit.signals import Value, value
from looped.circuit.sums import bits_of, wide_sum
from looped.circuit.words import Form, Word, bit, constant, total
from looped.machines.fleq.operands import LOW, TERMS

__all__ = ["adder"]

_COUNTED = 30
"""Places whose ones are counted: two slices of 15, which sum up to less than 2^18."""

_COUNT_BITS = 3
"""At most six ones and the one more."""


def adder(m: Circuit, kept: Word, terms: dict[str, Word]) -> Value:
    """`kept + low + t0 + 2 t1 + 4 t2 - 8 t3`, as wide as `kept`; terms are signed."""
    places = [_place(kept, terms, i) for i in range(len(kept))]
    first = len(kept) - _COUNTED
    lowest = wide_sum(places[:first])
    passed = m.let("carry low", value([*lowest.carried], len(lowest.carried)))
    counts = [bits_of(place + 1, _COUNT_BITS) for place in places[first:]]
    counted = [
        m.let(f"count {b}", Value(tuple(count.signals[b] for count in counts)))
        for b in range(_COUNT_BITS)
    ]
    again = [
        sum((bit(counted[b][i - b]) for b in range(_COUNT_BITS) if i >= b), constant(0))
        for i in range(_COUNTED)
    ]
    cut = _COUNTED // 2
    middle = wide_sum(again[:cut], total(passed) + (lowest.least + 1))
    carry = m.let("carry middle", value([*middle.carried], len(middle.carried)))
    high = wide_sum(again[cut:], total(carry) + middle.least)
    return Value((*lowest.bits.signals, *middle.bits.signals, *high.bits.signals))


def _place(kept: Word, terms: dict[str, Word], i: int) -> Form:
    """The ones in a place, minus those that are subtracted."""
    form = bit(kept[i]) + bit(terms[LOW][min(i, len(terms[LOW]) - 1)])
    for g, term in enumerate(TERMS):
        if i >= g:
            sign = -1 if term == TERMS[-1] else 1
            form = form + bit(terms[term][min(i - g, len(terms[term]) - 1)]) * sign
    return form
