"""Precision: the parameters of a floating-point format, and what the compiler derives from them.

The formats are those of IEEE 754-2019 (table 3.5) and bfloat16. A format holds every multiple of a
power of two up to 2^mantissa times that power. Kernels often compute a softmax of a small format in
float32 and round the result, so its exponentials must underflow in float32 too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

from looped.errors import CompileError

__all__ = ["FLOAT32", "PRECISIONS", "Precision", "precision"]

_WIDEST_SLICE = 16
"""Bits of a slice at most. A word of 32 bits takes two slices, as it would with the 22 bits that
float32 allows, and the sums of 16 bits are smaller."""


@dataclass(frozen=True, slots=True)
class Precision:
    """A floating-point format; `mantissa` counts its bits, the leading one included.

    Its largest number lies just below 2^(exponent + 1), its smallest subnormal number is 2^tiny.
    2^softmax_tiny is the smallest number of all formats in which its softmax may be computed.
    `d_head` must be a power of `head_base`, so that the scaling by 1/√d_head is exact.
    """

    name: str
    mantissa: int
    exponent: int
    tiny: int
    softmax_tiny: int
    head_base: int

    @property
    def smallest(self) -> Fraction:
        """The smallest normal number: processors may flush smaller numbers to zero."""
        return Fraction(2) ** (self.tiny + self.mantissa - 1)

    @property
    def largest(self) -> Fraction:
        """The largest finite number."""
        return (2 - Fraction(2) ** (1 - self.mantissa)) * Fraction(2) ** self.exponent

    def holds(self, other: Precision) -> bool:
        """Whether it has every number of another format; sums exact there are exact here too."""
        return (
            self.mantissa >= other.mantissa
            and self.exponent >= other.exponent
            and self.tiny <= other.tiny
        )

    @property
    def underflow(self) -> float:
        """The underflow point: exp(-x) rounds to zero for larger x, in the softmax too."""
        return (1 - self.softmax_tiny) * math.log(2)

    @property
    def slice_bits(self) -> int:
        """Bits of a word that one MLP adds; its sums take two more, for a carry and a condition."""
        return min(_WIDEST_SLICE, self.mantissa - 2)

    def rounded(self, x: Fraction) -> Fraction:
        """A positive number in the normal range, rounded to nearest, ties to even."""
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
    """The format of a dtype by its name. Raises CompileError for a name not in PRECISIONS."""
    if name not in PRECISIONS:
        raise CompileError(f"no dtype named `{name}`", hint=f"dtypes: {', '.join(PRECISIONS)}")
    return PRECISIONS[name]
