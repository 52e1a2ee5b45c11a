"""The tables of sigmoid, sine and exponential, in plain integers, computed from their definition.

A table covers -16 ≤ x < 16 with 128 segments of a quarter; a word beyond is taken as the nearest
one within. In the segment that begins at s, with u = 4 (x - s) from 0 to 1, the function is the
quadratic through its values at the three Chebyshev nodes u = 1/2 - √3/4, 1/2, 1/2 + √3/4:

    f(x) ≈ c0 + c1 u + c2 u²,   each c rounded to `fraction + extra` bits, half up, then to a word

Two of the bits are `extra` for sigmoid and sine, none for the exponential. A segment of the
exponential that begins beyond the largest word is constant: that word. Let r be the
`fraction - 2` bits of x within its segment. The value is computed in Horner's order, every
product rounded half up, and so is the end:

    z = c2;  z = c1 + ⌊z r / 2^(fraction-2)⌉;  z = c0 + ⌊z r / 2^(fraction-2)⌉;  ⌊z / 2^extra⌉

The arithmetic has 60 decimal digits, so every rounding is that of the exact coefficient: whoever
computes the coefficients by another way, as a machine must, gets the same integers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Context, Decimal, localcontext
from functools import cache

__all__ = ["Table", "exp_table", "sigmoid_table", "sin_table"]

_SEGMENTS = 128
_REACH = 16
_PER_UNIT = _SEGMENTS // (2 * _REACH)
_HIGH = Context(prec=60)


@dataclass(frozen=True, slots=True)
class Table:
    """A function by segments: `coefficients[segment]` is (c0, c1, c2), each an integer."""

    fraction: int
    extra: int
    coefficients: tuple[tuple[int, int, int], ...]

    def __call__(self, word: int) -> int:
        """The function of a signed word, not yet saturated."""
        bits = self.fraction - 2
        limit = _REACH << self.fraction
        place = min(max(word, -limit), limit - 1) + limit
        r = place & (1 << bits) - 1
        c0, c1, c2 = self.coefficients[place >> bits]
        z = c1 + _rounded(c2 * r, bits)
        z = c0 + _rounded(z * r, bits)
        return _rounded(z, self.extra)


def _rounded(number: int, bits: int) -> int:
    """A number by 2^bits, rounded half up."""
    return (number + (1 << bits >> 1)) >> bits


@cache
def sigmoid_table(width: int, fraction: int) -> Table:
    """1 / (1 + e^-x)."""
    return _table(lambda x: 1 / (1 + (-x).exp()), width, fraction, 2)


@cache
def sin_table(width: int, fraction: int) -> Table:
    """The sine, of radians."""
    return _table(_sine, width, fraction, 2)


@cache
def exp_table(width: int, fraction: int) -> Table:
    """e^x, up to the largest word."""
    table = _table(Decimal.exp, width, fraction, 0)
    highest = (1 << width - 1) - 1
    with localcontext(_HIGH):
        begins = [_start(segment).exp() for segment in range(_SEGMENTS)]
    full = Decimal(highest) / (1 << fraction)
    rows = zip(begins, table.coefficients, strict=True)
    return Table(fraction, 0, tuple((highest, 0, 0) if s > full else c for s, c in rows))


def _table(f: Callable[[Decimal], Decimal], width: int, fraction: int, extra: int) -> Table:
    with localcontext(_HIGH):
        rows = [_quadratic(f, _start(segment)) for segment in range(_SEGMENTS)]
        scale = Decimal(1 << fraction + extra)
        words = [[_word(c * scale, width) for c in row] for row in rows]
    return Table(fraction, extra, tuple((c0, c1, c2) for c0, c1, c2 in words))


def _start(segment: int) -> Decimal:
    return Decimal(segment) / _PER_UNIT - _REACH


def _quadratic(f: Callable[[Decimal], Decimal], start: Decimal) -> tuple[Decimal, Decimal, Decimal]:
    """c0, c1, c2 of the quadratic in u through f at the nodes of a segment."""
    half = Decimal("0.5")
    d = Decimal(3).sqrt() / 4
    low, middle, high = (f(start + u / _PER_UNIT) for u in (half - d, half, half + d))
    slope = (high - low) / (2 * d)  # of v = u - 1/2
    bend = ((high + low) / 2 - middle) / (d * d)
    return middle - slope / 2 + bend / 4, slope - bend, bend


def _word(number: Decimal, width: int) -> int:
    """A number rounded half up, and to the nearest word of so many bits."""
    whole = int((number + Decimal("0.5")).to_integral_value(ROUND_FLOOR))
    return max(-(1 << width - 1), min((1 << width - 1) - 1, whole))


def _sine(x: Decimal) -> Decimal:
    """The Taylor series; for |x| ≤ 16 its terms stay below 10^6, its end is below 10^-53."""
    term = total = x
    for n in range(2, 120, 2):
        term = -term * x * x / (n * (n + 1))
        total += term
    return total
