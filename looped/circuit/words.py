"""Lane, Word, Form: names and widths, and affine forms over lanes.

A lane holds -1 or +1. The *bit* that it stands for is (lane + 1) / 2, which is 0 or 1.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import overload

__all__ = ["ONE", "Form", "Lane", "Word", "bit", "constant", "sign", "total", "unsigned"]


@dataclass(frozen=True, slots=True)
class Lane:
    """One lane of the circuit, by name: `pc.3` is bit 3 of the word `pc`."""

    word: str
    index: int

    def __str__(self) -> str:
        return f"{self.word}.{self.index}"


ONE = Lane("one", 0)
"""The lane that is +1 in every column: the bias of every linear layer."""


@dataclass(frozen=True, slots=True)
class Word:
    """A group of lanes, least significant bit first."""

    name: str
    lanes: tuple[Lane, ...]

    @classmethod
    def of(cls, name: str, width: int) -> Word:
        """A word of `width` lanes of that name."""
        return cls(name, tuple(Lane(name, index) for index in range(width)))

    @property
    def sign(self) -> Word:
        """The most significant bit, as a word of one bit."""
        return self[-1:]

    def __len__(self) -> int:
        return len(self.lanes)

    def __iter__(self) -> Iterator[Lane]:
        return iter(self.lanes)

    @overload
    def __getitem__(self, key: int) -> Lane: ...
    @overload
    def __getitem__(self, key: slice) -> Word: ...
    def __getitem__(self, key: int | slice) -> Lane | Word:
        if isinstance(key, slice):
            return Word(self.name, self.lanes[key])
        return self.lanes[key]

    def __str__(self) -> str:
        first, last = self.lanes[0].index, self.lanes[-1].index
        return f"{self.name}[{first}]" if first == last else f"{self.name}[{first}:{last + 1}]"


class Form:
    """An affine form: dyadic coefficients times lanes, plus a constant. Immutable."""

    __slots__ = ("constant", "terms")

    def __init__(self, terms: Mapping[Lane, Fraction], constant: Fraction = Fraction(0)) -> None:
        self.terms: dict[Lane, Fraction] = {k: v for k, v in terms.items() if v != 0}
        self.constant = constant

    def __add__(self, other: Form | int) -> Form:
        if isinstance(other, int):
            return Form(self.terms, self.constant + other)
        terms = dict(self.terms)
        for lane, coefficient in other.terms.items():
            own = terms.get(lane)
            terms[lane] = coefficient if own is None else own + coefficient
        return Form(terms, self.constant + other.constant)

    def __sub__(self, other: Form | int) -> Form:
        return self + (-other)

    def __neg__(self) -> Form:
        return Form({k: -v for k, v in self.terms.items()}, -self.constant)

    def __mul__(self, factor: int | Fraction) -> Form:
        return Form({k: v * factor for k, v in self.terms.items()}, self.constant * factor)

    __rmul__ = __mul__

    def __bool__(self) -> bool:
        return bool(self.terms) or self.constant != 0

    @property
    def spread(self) -> Fraction:
        """The sum of the magnitudes of the coefficients."""
        return _sum((c, 1 if c.numerator > 0 else -1) for c in self.terms.values())

    @property
    def maximum(self) -> Fraction:
        """The largest value over all ±1 lanes."""
        return self.constant + self.spread

    @property
    def minimum(self) -> Fraction:
        """The smallest value over all ±1 lanes."""
        return self.constant - self.spread

    def at(self, values: Mapping[Lane, int], default: int = -1) -> Fraction:
        """The value where lanes are as in `values` and all others hold `default`."""
        terms = self.terms.items()
        return self.constant + _sum((c, values.get(lane, default)) for lane, c in terms)

    @property
    def key(self) -> tuple[Fraction, tuple[tuple[Lane, Fraction], ...]]:
        """A hashable identity: equal forms have equal keys."""
        ordered = sorted(self.terms.items(), key=lambda item: (item[0].word, item[0].index))
        return self.constant, tuple(ordered)


def _sum(products: Iterable[tuple[Fraction, int]]) -> Fraction:
    """The sum of products, added up as integers over a common denominator: that is much faster."""
    numerator, denominator = 0, 1
    for number, factor in products:
        below = number.denominator
        if denominator % below:
            common = math.lcm(denominator, below)
            numerator *= common // denominator
            denominator = common
        numerator += number.numerator * (denominator // below) * factor
    return Fraction(numerator, denominator)


def constant(value: int | Fraction) -> Form:
    """The form that is `value` whatever the lanes hold."""
    return Form({}, Fraction(value))


def sign(lane: Lane) -> Form:
    """The lane itself: -1 or +1."""
    return Form({lane: Fraction(1)})


def bit(lane: Lane) -> Form:
    """The bit that a lane stands for: 0 or 1."""
    return Form({lane: Fraction(1, 2)}, Fraction(1, 2))


def total(word: Word) -> Form:
    """The number of ones in a word: 0 to its width."""
    return sum((bit(lane) for lane in word), constant(0))


def unsigned(word: Word) -> Form:
    """The value of a word as an unsigned integer."""
    return sum((bit(lane) * (1 << i) for i, lane in enumerate(word)), constant(0))
