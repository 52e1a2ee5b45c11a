"""Fields: the bits of words in a weighted sum, where weights double along a word."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

__all__ = ["WHOLE", "Bit", "Field", "Weights", "fields_of", "members", "runs_of"]

WHOLE = 64
"""Places of a word."""


class Bit(NamedTuple):
    """Bit `place` of the value of an instruction."""

    value: int
    place: int


Weights = Mapping[Bit, int]
"""The integer factors of bits in a sum."""


class Field(NamedTuple):
    """Bits `low` to `top` of `value >> start`, each weighted by ±2^(its place there)."""

    value: int
    start: int
    sign: int
    length: int
    low: int

    @property
    def top(self) -> int:
        """The place after the last one."""
        return self.low + self.length

    @property
    def first(self) -> Bit:
        """Its lightest bit."""
        return Bit(self.value, self.start + self.low)

    def cut(self, bits: int) -> Field:
        """The same field if it ends below bit `bits`, else the whole word from its first bit on."""
        return self if self.top < bits else self._replace(length=WHOLE - self.low)


def runs_of(weights: Weights) -> list[Field]:
    """For each value its longest run of bits with doubling weights that begin at a power of two."""
    by_value: dict[int, list[tuple[int, int]]] = {}
    for bit, weight in weights.items():
        by_value.setdefault(bit.value, []).append((bit.place, weight))
    result = []
    for value, pairs in by_value.items():
        pairs.sort()
        runs = [(_run_length(pairs[n:]), -n) for n in range(len(pairs)) if _is_power(pairs[n][1])]
        length, n = max(runs, default=(0, 0))
        place, weight = pairs[-n]
        if length > 1 or (len(pairs) == 1 and abs(weight) == 1):
            low = abs(weight).bit_length() - 1
            result.append(Field(value, place - low, weight >> low, length, low))
    return result


def _is_power(weight: int) -> bool:
    return abs(weight).bit_count() == 1


def _run_length(pairs: list[tuple[int, int]]) -> int:
    """How many (place, weight), from the first on, have consecutive places and doubling weights."""
    start, weight = pairs[0]
    fitting = [pair == (start + j, weight << j) for j, pair in enumerate(pairs)]
    return fitting.index(False) if False in fitting else len(fitting)


def members(fields: Iterable[Field]) -> set[Bit]:
    """The bits of fields."""
    return {Bit(f.value, f.start + j) for f in fields for j in range(f.low, f.top)}


def fields_of(weights: Weights) -> list[Field] | None:
    """The runs of `runs_of` if they contain all bits, else None."""
    fields = runs_of(weights)
    whole = sum(field.length for field in fields) == len(weights)
    return fields if whole else None
