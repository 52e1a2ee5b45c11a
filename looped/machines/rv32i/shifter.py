"""The shifter.

A shift by s takes two blocks: by s mod 4 bits in the first, by the rest in the second, each a sum
over the possible amounts. Zeros shift in. SRA then fills in the sign in every place whose bit comes
from beyond bit 31: in place i if s ≥ 32 - i.
"""

from __future__ import annotations

from dataclasses import dataclass

from looped.circuit.arithmetic import equal
from looped.circuit.circuit import Circuit
from looped.circuit.signals import (
    Condition,
    Signal,
    Value,
    any_of_disjoint,
    disjoint_or,
    gated,
    literal,
)
from looped.circuit.words import Word, bit, constant, unsigned

__all__ = ["ShifterInputs", "ShifterOutputs", "shifter"]

_FINE = 4
"""Amounts that the first block of a shift distinguishes."""

_DIRECTIONS = (1, -1)
"""A shift to the right takes bits from higher places, a shift to the left from lower ones."""


@dataclass(frozen=True, slots=True)
class ShifterInputs:
    """Ports into the shifter.

    | port            | bits | content                                  |
    |-----------------|------|------------------------------------------|
    | `x`             | 32   | the word to shift                        |
    | `amount`        | 5    | by how many places                       |
    | `is_left`       | 1    | shift to the left                        |
    | `is_right`      | 1    | shift to the right                       |
    | `is_arithmetic` | 1    | a shift to the right copies the sign     |
    """

    x: Word
    amount: Word
    is_left: Word
    is_right: Word
    is_arithmetic: Word


@dataclass(frozen=True, slots=True)
class ShifterOutputs:
    """Ports out of the shifter.

    | port     | bits | content                                    |
    |----------|------|--------------------------------------------|
    | `result` | 32   | x shifted, else zero                       |
    """

    result: Value


def shifter(m: Circuit, i: ShifterInputs) -> ShifterOutputs:
    """SLL, SRL, SRA."""
    fine, coarse = i.amount[:2], i.amount[2:]
    moves = [
        _moved(i.x, step, _direction(i, sign) & equal(fine, abs(step)))
        for sign in _DIRECTIONS
        for step in _steps(sign, _FINE, 1)
    ]
    moved = m.let("moved", disjoint_or(*moves))
    shifted = [
        _moved(moved, step, _direction(i, sign) & equal(coarse, abs(step) // _FINE))
        for sign in _DIRECTIONS
        for step in _steps(sign, 32, _FINE)
    ]
    return ShifterOutputs(disjoint_or(*shifted, _fill(i)))


def _direction(i: ShifterInputs, sign: int) -> Condition:
    return literal(i.is_right if sign > 0 else i.is_left)


def _steps(sign: int, limit: int, unit: int) -> range:
    """The amounts of a shift, with the sign of its direction."""
    return range(0, sign * limit, sign * unit)


def _moved(word: Word, step: int, condition: Condition) -> Value:
    """Where the condition holds, a word whose bit i is bit i + step, else zero."""
    sources = (i + step for i in range(len(word)))
    bits = (bit(word[j]) if 0 <= j < len(word) else constant(0) for j in sources)
    return gated(condition, *bits)


def _fill(i: ShifterInputs) -> Value:
    """The copies of the sign that SRA shifts in: none in bit 31, which is the sign itself."""
    negative = literal(i.is_arithmetic) & literal(i.x.sign)
    count, width = unsigned(i.amount), len(i.x)
    filled = (any_of_disjoint([negative & Condition(count, width - k)]) for k in range(1, width))
    return Value((Signal(constant(0)), *(bit for value in filled for bit in value.signals)))
