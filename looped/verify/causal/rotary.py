"""The clock of a head: how far apart two equal records score, and how much a score can round.

A key of the clock is (1, 0) at pair k, a query is (x, y). Rotary embeddings turn both by ω times
their position, so the score at distance d is (x cos ω d - y sin ω d) / √d_head. The gaps come from
all distances, one by one, in float64. The bounds on rounding hold for sums in any order, with or
without fused multiplication, and with scores that are scaled before or after the sum. They assume
that the host's sine and cosine are right to four units in the last place, as those of vector
libraries are, and that a cosine that rounds to 1 is 1.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from looped.decoder.spec import HEAD_DIM
from looped.precision import FLOAT32, Precision

__all__ = ["Clock", "frequencies", "is_power_of_two", "rounding"]

_TRIGONOMETRY = 4 * 2.0**-FLOAT32.mantissa
"""The error of a host's sine or cosine. SLEEF's, which PyTorch calls, are right to 3.5 units."""

_SECOND_ORDER = 1.01
"""Products of two relative errors: each is below 2^-7, and there are few."""

_LAST_EXACT = 2.0**-13
"""Below this angle the cosine rounds to 1 in float32: 1 - 2^-27 does."""


@dataclass(frozen=True, slots=True)
class Clock:
    """The query of a clock, in scores: divided by √d_head. `omega` is in radians a token."""

    x: float
    y: float
    omega: float

    @property
    def amplitude(self) -> float:
        """The largest score of the clock."""
        return math.hypot(self.x, self.y)

    def least_gap(self, span: int, distance: int) -> float:
        """By how much a key outscores every key that is at least `distance` tokens older.

        Both lie within `span` tokens. The bound is negative if the clock does not always fall.
        """
        scores = self._scores(span)
        if span <= distance:
            return math.inf
        if bool((np.diff(scores) >= 0).any()):
            return -math.inf
        return float((scores[:-distance] - scores[distance:]).min()) - 2.0**-48 * self.amplitude

    def reach(self, span: int) -> float:
        """The largest magnitude of its score at a distance below `span` tokens."""
        return float(np.abs(self._scores(span)).max()) + 2.0**-48 * self.amplitude

    def _scores(self, span: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        turns = self.omega * np.arange(span, dtype=np.float64)
        return self.x * np.cos(turns) - self.y * np.sin(turns)


def frequencies(theta: float, d_head: int) -> tuple[float, ...]:
    """ω of each rotary pair, as a host computes them in float32 from θ."""
    exponents = np.arange(0, d_head, 2).astype(np.float32) / np.float32(d_head)
    return tuple((np.float32(1) / np.power(np.float32(theta), exponents)).tolist())


def is_power_of_two(omega: float) -> bool:
    """Whether an angle ω · position is exact, for all positions below 2^24."""
    return math.frexp(omega)[0] == 0.5


def rounding(clock: Clock, terms: Sequence[float], angle: float, precision: Precision) -> float:
    """A bound on the error of a score: of its clock, and of the sum with its other terms.

    `terms` are their magnitudes, `angle` is what their pairs turn at most. Errors that all keys
    with the same terms share are left out. It is infinite if the pairs turn too far, or if the sum
    is too large for the format before it is scaled.
    """
    largest = float(precision.largest) / HEAD_DIM
    if angle > _LAST_EXACT or sum(terms) + 2 * clock.amplitude > largest:
        return math.inf
    unit = 2.0**-precision.mantissa
    turned = _TRIGONOMETRY + (unit if precision.mantissa < FLOAT32.mantissa else 0)
    sides = abs(clock.x) + abs(clock.y)
    query = (turned + 2 * unit) * sides + unit * clock.amplitude
    both = math.sqrt(2)  # |cos| + |sin|, at most
    own = both * (query + turned * clock.amplitude + 5 * unit * clock.amplitude)
    parts = sorted([*terms, clock.amplitude, clock.amplitude], reverse=True)
    partial_sums = unit * sum(itertools.accumulate(parts))
    second_halves = 2 * angle**2 * sum(terms)
    return _SECOND_ORDER * (own + partial_sums + second_halves)
