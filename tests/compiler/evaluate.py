"""Circuits evaluated by definition: signals as exact fractions, no weights anywhere."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from looped.compiler.signals import Condition, Signal, Value
from looped.compiler.words import Lane, Word

Lanes = dict[Lane, int]


def lanes_of(word: Word, number: int) -> Lanes:
    """A word holding a number, as -1 and +1."""
    return {lane: 1 if number >> i & 1 else -1 for i, lane in enumerate(word)}


def number_in(word: Word, lanes: Mapping[Lane, int]) -> int:
    return sum((lanes[lane] > 0) << i for i, lane in enumerate(word))


def holds(condition: Condition, lanes: Mapping[Lane, int]) -> bool:
    value = condition.form.at(lanes)
    assert value.denominator == 1, "a condition must stand on integers"
    return value >= condition.threshold


def signal_bit(signal: Signal, lanes: Mapping[Lane, int]) -> int:
    terms = (t.form.at(lanes) for t in signal.gated if holds(t.condition, lanes))
    result = signal.linear.at(lanes) + sum(terms, Fraction(0))
    assert result in (0, 1), f"a signal must be a bit, not {result}"
    return int(result)


def number(value: Value, lanes: Mapping[Lane, int]) -> int:
    return sum(signal_bit(signal, lanes) << i for i, signal in enumerate(value.signals))
