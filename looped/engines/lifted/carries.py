"""Carries: a bit that says whether a sum reaches a number, as a part of another sum.

An adder in slices keeps the carry out of a slice in a lane, and adds it to the sum of the next one.
Let c = [S ≥ t] with -2^k ≤ S - t < 2^k. Then c = ⌊(S - t) / 2^k⌋ + 1, and so for integers R

    R + c ≥ u   if and only if   2^k·R + S ≥ 2^k·(u - 1) + t.

A borrow that is subtracted is one less the carry [-S ≥ 1 - t]. So all slices of a sum become the
sum of whole words, however many there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from looped.engines.lifted.code import Code
from looped.engines.lifted.runs import WHOLE, Bit, Weights

__all__ = ["Carries"]


class Carries:
    """The bits of values that are known to be carries."""

    def __init__(self) -> None:
        self._known: dict[Bit, tuple[Weights, int]] = {}

    def note(self, carry: Bit, weights: Weights, at: int) -> None:
        """A bit is `[Σ weight · bit ≥ at]`."""
        known = self.expanded(weights, at)
        self._known[carry] = (dict(weights), at) if known is None else known

    def keep(self, code: Code, lanes: Iterable[object]) -> None:
        """Forget the carries of sums over bits that neither a lane holds nor a cell or the state.

        The words of a slice often change before the next one is added. Then the whole sum has words
        of its own, which are no shorter, and a proof of the code would have to see through them.
        """
        held = {*lanes}

        def there(bit: Bit) -> bool:
            return bit in held or code.instructions[bit.value].operation in ("state", "load")

        self._known = {c: known for c, known in self._known.items() if all(map(there, known[0]))}

    def expanded(self, weights: Weights, at: int) -> tuple[Weights, int] | None:
        """Another threshold that holds where `[Σ weight · bit ≥ at]` does: with the sum of a carry
        in place of the carry. None if there is no carry, or if the sum is too large for a word."""
        carry = next(
            (bit for bit, w in weights.items() if abs(w) == 1 and bit in self._known), None
        )
        if carry is None:
            return None
        own, least = self._known[carry]
        sign = weights[carry]
        if sign < 0:
            own, least, at = {bit: -w for bit, w in own.items()}, 1 - least, at + 1
        size = _places(own, least)
        result = {bit: w << size for bit, w in weights.items() if bit != carry}
        for bit, weight in own.items():
            result[bit] = result.get(bit, 0) + weight
        at = (at - 1 << size) + least
        return (result, at) if _places(result, at) < WHOLE else None


def _places(weights: Mapping[Bit, int], at: int) -> int:
    """The least k for which `-2^k ≤ Σ weight · bit - at < 2^k`, whatever the bits are."""
    low = sum(min(w, 0) for w in weights.values()) - at
    high = sum(max(w, 0) for w in weights.values()) - at
    return max((-low - 1).bit_length() if low < 0 else 0, max(high, 0).bit_length())
