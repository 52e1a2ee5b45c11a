"""Precision: the numbers of a floating-point format, and what the compiler derives from them.

The formats are those of IEEE 754-2019 (table 3.5) and bfloat16. Integer multiples of a power of two
are exact up to 2^mantissa of them. A softmax in a small format is commonly computed in float32
and rounded at the end, so its exponentials must vanish there too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

from looped.errors import CompileError

__all__ = ["FLOAT32", "PRECISIONS", "Precision", "precision"]

_WIDEST_SLICE = 16
"""Bits: words of 32 take two slices as with the 22 that float32 allows, and sums stay small."""


@dataclass(frozen=True, slots=True)
class Precision:
    """A format of `mantissa` bits, the leading one included.

    Its largest number lies just below 2^(exponent + 1); its smallest is 2^tiny, `softmax_tiny` that
    of the formats in which its softmax may be computed. The size of a head must be a power of
    `head_base`, so that scaling by it is exact.
    """

    name: str
    mantissa: int
    exponent: int
    tiny: int
    softmax_tiny: int
    head_base: int

    @property
    def smallest(self) -> Fraction:
        """The smallest normal number: what is smaller may be flushed to zero."""
        return Fraction(2) ** (self.tiny + self.mantissa - 1)

    @property
    def largest(self) -> Fraction:
        """The largest finite number."""
        return (2 - Fraction(2) ** (1 - self.mantissa)) * Fraction(2) ** self.exponent

    def holds(self, other: Precision) -> bool:
        """Whether every number of another format is one of this, so that its exact sums are too."""
        return (
            self.mantissa >= other.mantissa
            and self.exponent >= other.exponent
            and self.tiny <= other.tiny
        )

    @property
    def underflow(self) -> float:
        """exp(-x) rounds to zero for x above this, here and wherever a softmax is computed."""
        return (1 - self.softmax_tiny) * math.log(2)

    @property
    def slice_bits(self) -> int:
        """Bits of a word that one MLP adds: with a condition on top, sums need two bits more."""
        return min(_WIDEST_SLICE, self.mantissa - 2)

    def rounded(self, x: Fraction) -> Fraction:
        """A positive number of normal size rounded to nearest, ties to even."""
        exponent = x.numerator.bit_length() - x.denominator.bit_length()
        if x < Fraction(2) ** exponent:
            exponent -= 1
        unit = Fraction(2) ** (exponent + 1 - self.mantissa)
        return round(x / unit) * unit


FLOAT64 = Precision("float64", 53, 1023, -1074, -1074, 4)
FLOAT32 = Precision("float32", 24, 127, -149, -149, 4)
BFLOAT16 = Precision("bfloat16", 8, 127, -133, -149, 16)
FLOAT16 = Precision("float16", 11, 15, -24, -149, 16)

PRECISIONS = {p.name: p for p in (FLOAT64, FLOAT32, BFLOAT16, FLOAT16)}


def precision(name: str) -> Precision:
    """The format of a dtype by its name. Raises CompileError for any other."""
    if name not in PRECISIONS:
        raise CompileError(f"no dtype named `{name}`", hint=f"dtypes: {', '.join(PRECISIONS)}")
    return PRECISIONS[name]
