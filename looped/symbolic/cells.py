"""Memory with unknown content, as code and circuits read and write it.

Only reads define the content: each read at a new address gives an unknown word, and two of these
words are equal where their addresses are equal. Nothing else is known of a memory with arbitrary
content.
"""

from __future__ import annotations

from collections.abc import Callable

import z3

from looped.symbolic.integers import Integer, as_term
from looped.symbolic.paths import Paths

__all__ = ["Cells", "Content"]


class Content:
    """2^`address_bits` words of `width` bits, at the beginning of a step.

    `assume(fact)` takes each fact that follows from two reads; with `zero_first` word 0 is zero.
    """

    def __init__(
        self,
        name: str,
        address_bits: int,
        width: int,
        assume: Callable[[z3.BoolRef], None],
        zero_first: bool = False,
    ) -> None:
        self.name = name
        self.address_bits = address_bits
        self.width = width
        self.reads: list[tuple[z3.BitVecRef, z3.BitVecRef]] = []
        self._assume = assume
        self._zero_first = zero_first

    def at(self, address: z3.BitVecRef) -> z3.BitVecRef:
        """The word at an address of `address_bits` bits."""
        address = z3.simplify(address)
        for other, word in self.reads:
            if address.eq(other):
                return word
        word = z3.BitVec(f"{self.name} {len(self.reads)}", self.width)
        if self._zero_first:
            self._assume(z3.Implies(address == 0, word == 0))
        for other, found in self.reads:
            self._assume(z3.Implies(address == other, word == found))
        self.reads.append((address, word))
        return word


class Cells:
    """A list of unknown words, as the reference uses one: it reads, writes and takes the length."""

    def __init__(self, content: Content, paths: Paths) -> None:
        self._content = content
        self._paths = paths
        self._written: list[tuple[z3.BitVecRef, object]] = []

    def __len__(self) -> int:
        return 1 << self._content.address_bits

    def __getitem__(self, index: int | Integer) -> object:
        address = self._address(index)
        for other, value in reversed(self._written):
            if self._paths.decide(address == other):
                return value
        return Integer.unsigned(self._content.at(address), self._paths)

    def __setitem__(self, index: int | Integer, value: object) -> None:
        self._written.append((self._address(index), value))

    def holds(self, address: z3.BitVecRef, word: z3.BitVecRef) -> z3.BoolRef:
        """Whether an address holds exactly this word after all writes."""
        claim = self._content.at(address) == word
        for other, value in self._written:
            a, b = as_term(value), z3.ZeroExt(1, word)
            width = max(a.size(), b.size())
            equal = z3.SignExt(width - a.size(), a) == z3.SignExt(width - b.size(), b)
            claim = z3.If(address == other, equal, claim)
        return claim

    def _address(self, index: int | Integer) -> z3.BitVecRef:
        """Raises IndexError on a path on which the index is out of bounds or negative."""
        term = as_term(index)
        bits = self._content.address_bits
        wide = z3.SignExt(max(0, bits + 2 - term.size()), term)
        if not self._paths.decide(z3.And(wide >= 0, wide < len(self))):
            raise IndexError(f"{self._content.name} has no such word")
        return z3.simplify(z3.Extract(bits - 1, 0, wide))
