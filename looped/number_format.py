"""NumberFormat: what the bits of a word mean."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

__all__ = ["ADDRESS", "CODE", "FLAG", "SIGNED", "UNSIGNED", "NumberFormat", "WordKind"]


class WordKind(StrEnum):
    """The use of a word: one condition, a pattern of bits, an address, or a number."""

    FLAG = "flag"
    CODE = "code"
    ADDRESS = "address"
    UNSIGNED = "unsigned"
    SIGNED = "signed"


@dataclass(frozen=True, slots=True)
class NumberFormat:
    """How to read a word: its kind and, for a number, how many bits follow the binary point.

    Signed numbers are in two's complement.
    """

    kind: WordKind
    fraction_bits: int = 0

    @property
    def is_number(self) -> bool:
        """Whether a word stands for a number, and not for a flag, a code or an address."""
        return self.kind in (WordKind.UNSIGNED, WordKind.SIGNED)

    def fits(self, width: int) -> bool:
        """Whether a word of `width` bits can have this format."""
        if self.kind is WordKind.FLAG:
            return width == 1 and self.fraction_bits == 0
        return 0 <= self.fraction_bits <= (width if self.is_number else 0)

    def units(self, word: int, width: int) -> int:
        """The number that a word of `width` bits means, counted in units of its lowest bit; `word`
        is its unsigned value."""
        negative = self.kind is WordKind.SIGNED and word >> (width - 1)
        return word - (1 << width) if negative else word

    def number(self, word: int, width: int) -> Fraction:
        """The number that a word of `width` bits means; `word` is its unsigned value."""
        return Fraction(self.units(word, width), 1 << self.fraction_bits)


FLAG, CODE, ADDRESS = (NumberFormat(k) for k in (WordKind.FLAG, WordKind.CODE, WordKind.ADDRESS))
UNSIGNED, SIGNED = NumberFormat(WordKind.UNSIGNED), NumberFormat(WordKind.SIGNED)
