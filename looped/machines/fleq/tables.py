"""Tables: the coefficients of the quadratics, as words that the MLP looks up by the segment.

A table covers -16 ≤ x < 16 with 128 segments of a quarter. In each, with u from 0 to 1, a function
is the quadratic c0 + c1 u + c2 u² through its values at the three Chebyshev nodes

    u = 1/2 - √3/4, 1/2, 1/2 + √3/4.

Coefficients have `fraction` bits after the point, those of sigmoid and sine two more, which are
rounded off in the end: c0 has the half for that. A segment of the exponential that begins beyond
the largest word is that word.

One hidden unit for each segment serves all words of all functions. The numbers are computed in
integers, in units of 2^-256: an error there changes no coefficient.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from looped.circuit.arithmetic import table
from looped.circuit.circuit import Circuit
from looped.circuit.words import Word

__all__ = ["EXTRA", "PER_UNIT_BITS", "REACH_BITS", "Column", "coefficients"]

PER_UNIT_BITS, REACH_BITS = 2, 4
"""Segments are 2^-2 wide and reach to 2^4."""

EXTRA = 2
"""Bits that coefficients of sigmoid and sine have beyond those of a word."""

_UNIT = 1 << 256
_Function = Callable[[int], int]
"""A real function in units: of x · _UNIT it is f(x) · _UNIT, to within a few units."""


@dataclass(frozen=True, slots=True)
class Column:
    """One coefficient of a function in all segments."""

    numbers: tuple[int, ...]

    @property
    def signed(self) -> bool:
        """Whether some are negative."""
        return min(self.numbers) < 0

    def look_up(self, m: Circuit, name: str, segment: Word) -> Word:
        """The coefficient of a segment, as a word of no more bits than it needs."""
        size = max(1, *(n.bit_length() for n in self.numbers)) + self.signed
        rows = {key: number % (1 << size) for key, number in enumerate(self.numbers)}
        return m.let(name, table(segment, rows, size))


def coefficients(width: int, fraction: int) -> dict[str, tuple[Column, Column, Column]]:
    """c0, c1 and c2 of every function, as they are looked up."""
    sigmoid = _rows(lambda x: _UNIT**2 // (_UNIT + _exp(-x)), fraction + EXTRA)
    sine = _rows(_sine, fraction + EXTRA)
    highest = (1 << width - 1) - 1
    exponential = [
        (highest, 0, 0) if _exp(start) << fraction > highest * _UNIT else row
        for start, row in zip(_starts(), _rows(_exp, fraction), strict=True)
    ]
    half = 1 << EXTRA >> 1
    return {
        "sigmoid": _columns([(c0 + half, c1, c2) for c0, c1, c2 in sigmoid]),
        "sin": _columns([(c0 + half, c1, c2) for c0, c1, c2 in sine]),
        "exp": _columns(exponential),
    }


def _columns(rows: list[tuple[int, int, int]]) -> tuple[Column, Column, Column]:
    c0, c1, c2 = (Column(numbers) for numbers in zip(*rows, strict=True))
    return c0, c1, c2


def _starts() -> list[int]:
    """Where the segments begin."""
    reach = 1 << REACH_BITS + PER_UNIT_BITS
    return [n * _UNIT >> PER_UNIT_BITS for n in range(-reach, reach)]


def _rows(f: _Function, places: int) -> list[tuple[int, int, int]]:
    return [_quadratic(f, start, places) for start in _starts()]


def _quadratic(f: _Function, start: int, places: int) -> tuple[int, int, int]:
    """c0, c1, c2 with so many binary places, by the divided differences at the nodes."""
    offset = math.isqrt(3 * _UNIT**2) >> 2
    nodes = _UNIT // 2 - offset, _UNIT // 2, _UNIT // 2 + offset
    low, middle, high = (f(start + (u >> PER_UNIT_BITS)) for u in nodes)
    first = (middle - low) * _UNIT // offset
    second = (high - middle) * _UNIT // offset
    bend = (second - first) * _UNIT // (2 * offset)
    slope = first - bend * (nodes[0] + nodes[1]) // _UNIT
    value = low - nodes[0] * (first - bend * nodes[1] // _UNIT) // _UNIT
    return _rounded(value, places), _rounded(slope, places), _rounded(bend, places)


def _rounded(number: int, places: int) -> int:
    """To so many binary places, half up."""
    return ((number << places) + _UNIT // 2) // _UNIT


def _exp(x: int) -> int:
    """e^x, by its series at x / 256, squared eight times."""
    term = power = _UNIT
    for n in range(1, 64):
        term = term * x // (256 * n * _UNIT)
        power += term
    for _ in range(8):
        power = power * power // _UNIT
    return power


def _sine(x: int) -> int:
    """sin x, by its series."""
    term = total = x
    for n in range(2, 160, 2):
        term = -(term * x // _UNIT) * x // (n * (n + 1) * _UNIT)
        total += term
    return total
