"""How the circuit finds the next digit of a quotient: it compares with one, two, three divisors.

It adds no bits up for that. It asks whether sums of the bits of two rows, less those of k divisors,
are negative: first of the low bits, then of the high ones and what the low ones bring.
"""

from __future__ import annotations

import z3

from looped.symbolic.lemmas import Name, lemma
from looped.symbolic.loop import Claim, Loop
from looped.symbolic.remainder import WIDE, Remainder, wide
from looped.symbolic.rows import CUT, Rows
from looped.symbolic.schoolbook import quotient_digit
from looped.symbolic.unfinished import END, scratch

__all__ = ["Comparison"]

_NARROW = 26
"""Bits of the words about low bits or about high ones: nothing overflows."""

_COMPARED = 34
"""Bits of the rows that are compared; their sum may be 2^34 more than that of all bits."""

_SMALL = CUT + 2
"""Low bits of a divisor."""

_TELLS = {0: 1, 1: 2, 3: 3, 4: 3}
"""Bits of a digit that say whether one, two, or three divisors fit."""

_SET = {2, 6}
"""Bits that every digit of a quotient has: it is negative."""


class Comparison:
    """The lemmas about the comparison of what is `left`; `names` are those of their words."""

    def __init__(self, loop: Loop, rows: Rows, left: Remainder) -> None:
        self._loop, self._left, self._row_sum = loop, left, rows.sum
        s = scratch(loop.registers)
        self._rows = Name("rows", _sum_of(rows, 0, _COMPARED, WIDE) + wide(rows.carry))
        self._high = Name("high rows", _sum_of(rows, CUT, _COMPARED, _NARROW))
        low = _sum_of(rows, 0, CUT, _NARROW) + _narrow(rows.carry)
        self._low = Name("low rows", (low << 2) + _narrow(left.brought))
        one = z3.If(s.complement, z3.BitVecVal(1, _NARROW), z3.BitVecVal(0, _NARROW))
        small = _narrow(z3.Extract(_SMALL - 1, 0, s.second))
        self._high_by = Name("high divisor", _narrow(z3.Extract(31, _SMALL, s.second)))
        self._low_by = Name("low divisor", small + one)
        self._below = {k: Name(f"below {k}", self._reached(k)) for k in (1, 2, 3)}
        self._above = {k: Name(f"above {k}", self._higher(k)) for k in (1, 2, 3)}

    @property
    def names(self) -> list[Name]:
        """The names of the words that the lemmas are about."""
        words = (self._rows, self._high, self._low, self._high_by, self._low_by)
        return [*words, *self._below.values(), *self._above.values()]

    def claims(self) -> list[Claim]:
        """The lemmas, after those about the rows and about what is left. The last is the digit."""
        left, rows, goes_on = self._left, self._rows.word, self._left.count != END - 1
        compared = lemma(
            "the rows that are compared",
            z3.Or(rows == left.total, rows == left.total + (1 << _COMPARED)),
            *(self._row_sum, self._rows, left.word),
        )
        idle = [self._loop.named(n) == 0 for n in ("starts", "starts quotient", "next of product")]
        another = (self._loop.named("next of quotient") == 1) == goes_on
        nothing = Claim("nothing starts", z3.And(*idle, another))
        parts = self._parts()
        differences = {k: self._differences(k, parts) for k in (1, 2, 3)}
        fits = [
            lemma(
                f"whether {k} fit",
                self._fits(k) == z3.UGE(left.more, left.by.word * k),
                *(difference[-1], compared, left.word, left.size),
            )
            for k, difference in differences.items()
        ]
        bits = [self._bit(place, goes_on, nothing) for place in range(7)]
        digit = z3.If(goes_on, quotient_digit(left.more, left.by.word), z3.BitVecVal(0, 7))
        found = self._loop.following()["digit"]
        chosen = lemma("the next digit", found == digit, *bits, *fits)
        below = [claim for difference in differences.values() for claim in difference]
        return [compared, nothing, *parts, *below, *fits, *bits, chosen]

    def _parts(self) -> list[Claim]:
        """The rows and the divisor as high and low bits."""
        left, rows, high, low = self._left, self._rows.word, self._high.word, self._low.word
        of_rows = z3.And(
            (rows << 2) + wide(left.brought) == (wide(high) << _SMALL) + wide(low),
            z3.ULT(high, 1 << 18),
            z3.ULT(low, 1 << 22),
        )
        large, small = self._high_by.word, self._low_by.word
        of_divisor = z3.And(
            left.by.word == (wide(large) << _SMALL) + wide(small),
            z3.ULT(large, 1 << 12),
            z3.ULE(small, 1 << _SMALL),
        )
        names = self._rows, self._high, self._low
        return [
            lemma("high and low bits of the rows", of_rows, *names),
            lemma("those of the divisor", of_divisor, left.size, self._high_by, self._low_by),
        ]

    def _differences(self, k: int, parts: list[Claim]) -> list[Claim]:
        """What the circuit compares: a difference of low bits, and of all bits without the low."""
        left, names = self._left, (self._below[k], self._low, self._low_by)
        low = self._low.word - self._low_by.word * k
        all_bits = (self._rows.word << 2) + wide(left.brought) - left.by.word * k
        below = lemma(
            f"below fit {k}",
            self._below[k].word == low >> _SMALL,
            *(*names, *self._loop.definitions(f"below fit {k}")),
        )
        above = self._above[k]
        signed = z3.SignExt(WIDE - _NARROW, above.word)
        return [
            below,
            lemma(f"above fit {k}", signed == all_bits >> _SMALL, above, below, *parts),
        ]

    def _bit(self, place: int, goes_on: z3.BoolRef, nothing: Claim) -> Claim:
        """A bit of the next digit, by its definition in the circuit."""
        names: list[Name] = []
        wanted = z3.BoolVal(place in _SET)
        if place in _TELLS:
            k = _TELLS[place]
            names = [self._above[k], self._below[k], self._high, self._high_by]
            wanted = self._fits(k)
        bit = z3.Extract(place, place, self._loop.following()["digit"]) == 1
        return lemma(
            f"bit {place} of the next digit",
            bit == z3.And(goes_on, wanted),
            *(*names, nothing, self._loop.definitions("digit")[place]),
        )

    def _fits(self, k: int) -> z3.BoolRef:
        """How the circuit finds the sign of a difference that may be 2^34 more."""
        above, limit = self._above[k].word, 1 << _COMPARED - CUT
        return z3.Xor(above >= 0, z3.Xor(above >= limit // 2, above >= limit))

    def _reached(self, k: int) -> z3.BitVecRef:
        """The difference of the low bits as the circuit has it: the thresholds that it reaches."""
        reached = self._loop.named(f"below fit {k}")
        bits = (_narrow(z3.Extract(n, n, reached)) for n in range(reached.size()))
        return sum(bits, z3.BitVecVal(-k, _NARROW))

    def _higher(self, k: int) -> z3.BitVecRef:
        return self._high.word + self._below[k].word - self._high_by.word * k


def _sum_of(rows: Rows, first: int, end: int, width: int) -> z3.BitVecRef:
    parts = (z3.Extract(end - 1, first, row) for row in (rows.ones, rows.carries))
    one, other = (z3.ZeroExt(width - end + first, part) for part in parts)
    return one + other


def _narrow(word: z3.BitVecRef) -> z3.BitVecRef:
    return z3.ZeroExt(_NARROW - word.size(), word)
