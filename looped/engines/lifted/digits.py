"""Digits: alternating steps on one sum that together are one bit of it.

With h = 2^i, the steps +v, -v, +v, … at t, t + h, t + 2h, … add up to v where ⌊(z - t) / h⌋ is
even, if they reach from the least to the largest value of z. That is v times bit i of z - t + h.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from looped.engines.lifted.lookups import Step
from looped.engines.lifted.runs import Bit, Weights
from looped.engines.lifted.sums import Form

__all__ = ["Digit", "take_digits"]

_MANY = 3
"""One step is a carry, and two exclude or imply each other, which later blocks use."""


class Digit(NamedTuple):
    """`value` · bit `place` of `Σ weight · bit + constant`."""

    bits: tuple[tuple[Bit, int], ...]
    constant: int
    place: int
    value: float


def take_digits(
    steps: list[tuple[Step, Form]], is_count: Callable[[Weights], bool]
) -> Iterator[Digit]:
    """Remove the steps that are digits from those of a lane, and yield the digits; not of sums that
    are counts."""
    families: dict[object, list[tuple[Step, Form]]] = {}
    for step, form in steps:
        if not form.bits:
            families.setdefault(step.bits, []).append((step, form))
    for family in families.values():
        digit = _digit(sorted((step for step, _ in family), key=lambda step: step.at))
        if digit is not None and not is_count(dict(digit.bits)):
            for pair in family:
                steps.remove(pair)
            yield digit


def _digit(steps: Sequence[Step]) -> Digit | None:
    """All steps on one sum, in order, as a digit of it; None if they are none."""
    if len(steps) < _MANY:
        return None
    first = steps[0]
    apart = steps[1].at - first.at
    for number, step in enumerate(steps):
        value = -first.value if number % 2 else first.value
        if step.value != value or step.at != first.at + number * apart:
            return None
    low = sum(min(weight, 0) for _, weight in first.bits)
    high = sum(max(weight, 0) for _, weight in first.bits)
    if apart.bit_count() != 1 or low < first.at - apart or high >= steps[-1].at + apart:
        return None
    return Digit(first.bits, apart - first.at, apart.bit_length() - 1, first.value)
