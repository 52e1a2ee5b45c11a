"""Bus: words that several functions drive, each in loops of its own.

A driver puts `condition · form` on each bit of a word. In any state at most one of the conditions
of a bit may hold, or the forms of those that hold must add up to a bit; a word that nobody drives
is zero.
"""

from __future__ import annotations

from collections.abc import Sequence

from looped.circuit.signals import Condition, Gated, Signal, Value
from looped.circuit.words import Form, Word, bit, constant

__all__ = ["NOTHING", "ONE", "Bus", "bits", "sign_extended"]

NOTHING, ONE = constant(0), constant(1)


class Bus:
    """Words of given widths, which take drivers until their values are asked for."""

    def __init__(self, widths: dict[str, int]) -> None:
        self._terms: dict[str, list[list[Gated]]] = {
            name: [[] for _ in range(width)] for name, width in widths.items()
        }

    def drive(self, word: str, condition: Condition, forms: Sequence[Form]) -> None:
        """Put `condition · form` on the bits of a word, from the lowest on; the rest gets nothing.

        Forms beyond the width of the word are left out.
        """
        for terms, form in zip(self._terms[word], forms, strict=False):
            if form:
                terms.append(Gated(condition, form))

    def value(self, word: str) -> Value:
        """What a word is, all drivers together."""
        return Value(tuple(Signal(constant(0), tuple(terms)) for terms in self._terms[word]))


def bits(word: Word) -> list[Form]:
    """The bits of a word as forms."""
    return [bit(lane) for lane in word]


def sign_extended(word: Word, width: int) -> list[Form]:
    """`width` bits of a word that its sign continues."""
    return [bit(word[min(n, len(word) - 1)]) for n in range(width)]
