"""Execute: logic, shifts, comparisons.

A shift by s takes two blocks: by s mod 4 bits in the first, by the rest in the second, each a sum
over the amounts that there are. Zeros come in; SRA then fills in the sign in every place whose bit
came from beyond bit 31: in place i that is so if s ≥ 32 - i.
"""

from __future__ import annotations

from looped.compiler.arithmetic import equal
from looped.compiler.circuit import Circuit
from looped.compiler.signals import (
    Condition,
    Gated,
    Signal,
    Value,
    literal,
    merge,
    one_of,
    weighed,
)
from looped.compiler.words import Word, bit, constant, unsigned
from looped.machines.rv32i.adder import Adder
from looped.machines.rv32i.decode import Decoded

__all__ = ["compare", "logic", "shift"]

_FINE = 4
"""Places that the first block of a shift tells apart."""


def logic(d: Decoded, x: Word, y: Word) -> Value:
    """AND, OR, XOR, else zero: x + y where it is OR or XOR, put right where both bits are ones."""
    both_ones = d.bit("and") - d.bit("or or xor") - d.bit("xor")
    signals = []
    for a, b in zip(x, y, strict=True):
        ones = bit(a) + bit(b)
        terms = Gated(d.holds("or or xor"), ones), Gated(Condition(ones, 2), both_ones)
        signals.append(Signal(constant(0), terms))
    return Value(tuple(signals))


def shift(m: Circuit, d: Decoded, x: Word, y: Word) -> Value:
    """SLL, SRL, SRA, else zero."""
    fine, coarse = y[:2], y[2:5]
    directions = ("right", "left")
    moved = m.let(
        "moved",
        merge(
            *(
                _moved(x, step, d.holds(direction) & equal(fine, abs(step)))
                for direction in directions
                for step in _steps(direction, _FINE, 1)
            )
        ),
    )
    shifted = [
        _moved(moved, step, d.holds(direction) & equal(coarse, abs(step) // _FINE))
        for direction in directions
        for step in _steps(direction, 32, _FINE)
    ]
    return merge(*shifted, _fill(d, x, y[:5]))


def _steps(direction: str, limit: int, unit: int) -> range:
    """The amounts of a shift: bits come from so many places above (to the right) or below."""
    sign = 1 if direction == "right" else -1
    return range(0, sign * limit, sign * unit)


def _moved(word: Word, step: int, condition: Condition) -> Value:
    """Where the condition holds, a word whose bit i is bit i + step, else zero."""
    sources = (i + step for i in range(len(word)))
    bits = (bit(word[j]) if 0 <= j < len(word) else constant(0) for j in sources)
    return weighed(condition, *bits)


def _fill(d: Decoded, x: Word, amount: Word) -> Value:
    """The copies of the sign that SRA shifts in: none in bit 31, which is the sign itself."""
    negative = d.holds("arithmetic") & literal(x.sign)
    count = unsigned(amount)
    filled = (one_of([negative & Condition(count, len(x) - i)]) for i in range(1, len(x)))
    return Value((Signal(constant(0)), *(bit for value in filled for bit in value.signals)))


def compare(d: Decoded, difference: Adder) -> Value:
    """SLT, SLTU, else zero: a word of 32 bits."""
    less = merge(
        Value((Signal(d.bit("slt", "sltu")),)),
        weighed(difference.signed, -d.bit("slt")),
        weighed(difference.unsigned, -d.bit("sltu")),
    )
    return Value((*less.signals, *[Signal(constant(0))] * 31))
