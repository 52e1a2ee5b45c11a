"""Many small sums at once: one word, a plane, holds bit n of all sums.

Each step replaces three words of a plane by two, a sum and a carry, as in Wallace 1964, "A
suggestion for a fast multiplier". Carries out of the last plane are dropped: sums are right modulo
a power of two.
"""

from __future__ import annotations

from looped.engines.lifted.code import Code

__all__ = ["Planes"]


class Planes:
    """A sum for each place of a word, modulo 2^count."""

    def __init__(self, code: Code, count: int) -> None:
        self.code = code
        self._words: list[list[int]] = [[] for _ in range(count)]
        self._constants: dict[int, int] = {}

    def add_constant(self, place: int, number: int) -> None:
        """Add a number to one sum."""
        self._constants[place] = self._constants.get(place, 0) + number

    def add(self, word: int, mask: int, factor: int) -> None:
        """Add `factor` to the sums at the places in `mask` where the word is one.

        The word must be zero outside the mask. A negative factor uses -b = (1 - b) - 1.
        """
        if factor < 0:
            word = self.code.exclusive(word, self.code.const(mask))
            for place in (p for p in range(mask.bit_length()) if mask >> p & 1):
                self.add_constant(place, factor)
        for n, words in enumerate(self._words):
            if abs(factor) >> n & 1:
                words.append(word)

    def total(self) -> list[int]:
        """The planes of the sums, the lowest bit first."""
        for n, words in enumerate(self._words):
            ones = sum(1 << place for place, total in self._constants.items() if total >> n & 1)
            if ones:
                words.append(self.code.const(ones))
        result = []
        carries: list[int] = []
        for n, words in enumerate(self._words):
            pending, carries = words + carries, []
            last = n == len(self._words) - 1
            while len(pending) > 1:
                first, second, *pending = pending
                third, pending = (pending[0], pending[1:]) if pending else (None, pending)
                pending.append(self._add_three(first, second, third, [] if last else carries))
            result.append(pending[0] if pending else self.code.const(0))
        return result

    def _add_three(self, first: int, second: int, third: int | None, carries: list[int]) -> int:
        """The sum of two or three words in their own plane; appends the carry to `carries`."""
        code = self.code
        differ = code.exclusive(first, second)
        carry = code.both(first, second)
        if third is None:
            carries.append(carry)
            return differ
        carries.append(code.either(carry, code.both(differ, third)))
        return code.exclusive(differ, third)
