"""Regions: where the words of a memory lie in a 32-bit address space."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["Regions"]

_SPACE = 1 << 32


@dataclass(frozen=True, slots=True)
class Regions:
    """One region of addresses, or two that share a memory; `bases` are their first addresses.

    Words of two regions alternate: word i of region r is word 2i + r of memory, so that a larger
    memory makes both regions larger, and no word moves. The highest bit in which the two bases
    differ, the `selector`, says which region an address is for.
    """

    bases: tuple[int, ...] = (0,)

    @classmethod
    def of(cls, parameters: Mapping[str, int]) -> Regions:
        """The regions of a machine by its parameters `base` and `second`; 0 is no second one."""
        base, second = parameters.get("base", 0), parameters.get("second", 0)
        return cls((base, second) if second else (base,))

    @property
    def parameters(self) -> dict[str, int]:
        """The parameters of a machine that has these regions."""
        return {"base": self.bases[0], "second": self.bases[1] if len(self.bases) > 1 else 0}

    @property
    def selector(self) -> int:
        """The number of the bit in which addresses of two regions differ."""
        return (self.bases[0] ^ self.bases[-1]).bit_length() - 1

    def region(self, address: int) -> int:
        """The number of the region that an address is for."""
        if len(self.bases) == 1:
            return 0
        return int((address ^ self.bases[0]) >> self.selector & 1)

    def index(self, address: int, unit: int = 4) -> int:
        """The word of memory that an address lies in, `unit` addresses a word.

        The number is too high for any memory if the address is outside.
        """
        region = self.region(address)
        return (address - self.bases[region]) % _SPACE // unit * len(self.bases) + region

    def address(self, index: int, unit: int = 4) -> int:
        """The address of a word of memory."""
        place, region = divmod(index, len(self.bases))
        return self.bases[region] + place * unit

    def end(self, region: int, memory: int, unit: int = 4) -> int:
        """The address after the last one of a region, with `memory` words in all regions."""
        return self.bases[region] + memory // len(self.bases) * unit

    def most_words(self) -> int:
        """The most words of 4 bytes that fit: each base is a multiple of the size of a region."""
        aligned = min((base & -base for base in self.bases if base), default=_SPACE)
        apart = 1 << self.selector if len(self.bases) > 1 else _SPACE
        return min(aligned, apart) // 4 * len(self.bases)
