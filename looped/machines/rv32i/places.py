"""Places: how the bits of an address name a word of memory, and which addresses have one."""

from __future__ import annotations

from dataclasses import dataclass

from looped.circuit.arithmetic import equal
from looped.circuit.signals import Condition
from looped.circuit.words import Form, Word, bit, constant
from looped.image import Regions

__all__ = ["Places"]


@dataclass(frozen=True, slots=True)
class Places:
    """A memory of 2^address_bits words in one region of addresses or in two.

    With two regions the place of a word begins with the selector, a bit of its address.
    """

    regions: Regions
    address_bits: int

    @property
    def top(self) -> int:
        """The lowest bit of an address above its offset in a region."""
        return self.address_bits + 3 - len(self.regions.bases)

    def word(self, address: Word, selector: Word | None = None) -> Word:
        """The place of an address, at least its low bits.

        `selector` is a word with the bit that selects a region, by default the address.
        """
        offset = address[2 : self.top]
        if len(self.regions.bases) == 1:
            return offset
        lane = (address if selector is None else selector)[self.regions.selector]
        return Word(offset.name, (lane, *offset))

    def inside(self, address: Word) -> list[Condition]:
        """For each region, whether an address is in it."""
        return [equal(address[self.top :], base >> self.top) for base in self.regions.bases]

    def differing(self, address: Word, selector: Word, base: int) -> list[Form]:
        """The bits of an address above its offset, and of the selector, that differ from a base.

        Of the address it takes the lanes that it has.
        """
        chosen = [(lane, self.top + n) for n, lane in enumerate(address[self.top :])]
        if len(self.regions.bases) > 1:
            chosen.append((selector[self.regions.selector], self.regions.selector))
        return [
            constant(1) - bit(lane) if base >> place & 1 else bit(lane) for lane, place in chosen
        ]
