"""Why a quotient is one: in each loop, dividend = quotient · divisor + remainder, of digits so far.

After n digits of two bits, `low` holds the quotient of the highest 2n bits of the dividend, and the
rest of its bits above them; `partial` holds the remainder and the next two bits. All numbers are
magnitudes. At the end the remainder is less than the divisor, so that the quotient is the only one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import z3

from looped.symbolic.lemmas import Name, lemma
from looped.symbolic.loop import Claim, Loop
from looped.symbolic.remainder import Remainder, wide
from looped.symbolic.schoolbook import digit_bits, is_quotient, magnitude
from looped.symbolic.unfinished import END, operands, scratch

__all__ = ["Division", "divided", "divides_within"]

_WIDE = 64
"""Bits of a product of two words."""

_PARTS = ("the equation", "the next bits", "the bits to come", "the size of the remainder")


class _Moment(NamedTuple):
    """The quotient so far in 64 bits, it times the divisor, the two words, and the count."""

    quotient: z3.BitVecRef
    product: z3.BitVecRef
    partial: z3.BitVecRef
    low: z3.BitVecRef
    count: z3.BitVecRef


def divides_within(loop: Loop, words: Mapping[str, z3.BitVecRef]) -> z3.BoolRef:
    """What holds between two loops of a quotient, as a condition on all registers."""
    dividend, by = _dividend_and_divisor(loop)
    quotient = _quotient(words)
    return z3.And(*_parts(dividend, by, _moment(words, quotient, by * quotient)))


def divided(loop: Loop, holds: z3.BoolRef) -> Claim:
    """The words that the last loop takes are quotient and remainder, for `holds` within."""
    dividend, by = _dividend_and_divisor(loop)
    s, count = scratch(loop.registers), loop.registers["count"]
    quotient, rest = _wide(s.low), _wide(z3.Extract(33, 2, s.partial))
    all_ones = z3.And(rest == dividend, quotient == 0xFFFFFFFF)
    euclid = z3.And(by * quotient + rest == dividend, z3.ULT(rest, by))
    return lemma("quotient and remainder", z3.If(by == 0, all_ones, euclid), holds, count == END)


class Division:
    """The lemmas for one step; `before` is what holds before it."""

    def __init__(self, loop: Loop, left: Remainder) -> None:
        self._loop, self._left = loop, left
        now, following = loop.registers, loop.following()
        self._divides = is_quotient(operands(loop)[0])
        self._bits = digit_bits(scratch(now))
        dividend, by = _dividend_and_divisor(loop)
        self._dividend, self._by = Name("dividend", dividend), Name("wide divisor", by)
        self._digit = Name("digit of the quotient", _wide(self._bits))
        self._old = Name("quotient", _quotient(now))
        self._new = Name("next quotient", _quotient(following))
        self._taken = Name("taken", self._by.word * self._digit.word)
        self._old_product = Name("product", self._by.word * self._old.word)
        self._new_product = Name("next product", self._by.word * self._new.word)
        self.before = divides_within(loop, now)

    @property
    def names(self) -> tuple[Name, ...]:
        """The names of the words that the lemmas are about."""
        numbers = (self._dividend, self._by, self._digit, self._old, self._new)
        return (*numbers, self._taken, self._old_product, self._new_product)

    def claims(self, after: Mapping[str, Claim]) -> list[Claim]:
        """The lemmas; `after` are the claims about `partial`, `low` and `count` after the loop."""
        left, by = self._left, self._by.word
        moment = _moment(self._loop.registers, self._old.word, self._old_product.word)
        so_far = lemma(
            "it has divided so far",
            z3.And(*_parts(self._dividend.word, by, moment)),
            *(self.before, self._dividend, self._by, self._old, self._old_product),
        )
        changed = (*after.values(), *left.middle, self._divides)
        numbers = [self._old, self._new, self._digit]
        grows = lemma(
            "the quotient grows",
            self._new.word == self._old.word * 4 + self._digit.word,
            *(*numbers, *changed),
        )
        zero = lemma(
            "three by zero",
            z3.Or(self._by.word != 0, self._digit.word == 3),
            *(left.digit, left.by, left.size, self._by, self._digit),
        )
        equation = self._equation(grows)
        premises: list[list[Claim]] = [equation, [], [], [left.less, zero, grows]]
        following = self._loop.following()
        moment = _moment(following, self._new.word, self._new_product.word)
        known = (*changed, left.word, left.partial, left.by, self._by)
        parts = [
            lemma(f"division: {name}", part, *known, so_far, *some)
            for name, part, some in zip(
                _PARTS, _parts(self._dividend.word, by, moment), premises, strict=True
            )
        ]
        words = self._dividend, self._by, self._new, self._new_product
        stands = lemma("it divides", divides_within(self._loop, following), *parts, *words)
        return [so_far, grows, zero, *equation, *parts, stands]

    def _equation(self, grows: Claim) -> list[Claim]:
        """Remainder, product and dividend, each from those before the step."""
        left, places = self._left, _places(self._left.count)
        multiple = lemma(
            "digit times divisor",
            left.multiple == wide(self._bits) * left.by.word,
            *(left.digit, left.size, left.partial),
        )
        rest = lemma(
            "the dividend of the step",
            _wide(left.total) + self._taken.word == _wide(left.partial.word),
            *(left.left, multiple, left.size, left.by, left.partial),
            *(self._by, self._digit, self._taken),
        )
        product = lemma(
            "its product grows",
            self._new_product.word == self._old_product.word * 4 + self._taken.word,
            *(grows, self._taken, self._old_product, self._new_product),
        )
        more = z3.LShR(self._dividend.word, 30 - places)
        read = lemma(
            "two bits more of the dividend",
            more == z3.LShR(self._dividend.word, 32 - places) * 4 + (more & 3),
            *left.middle,
        )
        return [multiple, rest, product, read]


def _dividend_and_divisor(loop: Loop) -> tuple[z3.BitVecRef, z3.BitVecRef]:
    funct3, a, b = operands(loop)
    return _wide(magnitude(funct3, a)), _wide(magnitude(funct3, b))


def _quotient(words: Mapping[str, z3.BitVecRef]) -> z3.BitVecRef:
    """The digits of the quotient so far: the lowest bits of `low`."""
    return _wide(words["low"]) & _ones(words["count"])


def _moment(
    words: Mapping[str, z3.BitVecRef], quotient: z3.BitVecRef, product: z3.BitVecRef
) -> _Moment:
    return _Moment(quotient, product, _wide(words["partial"]), words["low"], words["count"])


def _parts(dividend: z3.BitVecRef, by: z3.BitVecRef, m: _Moment) -> list[z3.BoolRef]:
    """What holds, as in `_PARTS`."""
    places, rest, ones = _places(m.count), z3.LShR(m.partial, 2), _ones(m.count)
    return [
        rest + m.product == z3.LShR(dividend, 32 - places),
        z3.Or(m.count == END, m.partial & 3 == z3.LShR(dividend, 30 - places) & 3),
        _wide(m.low) & ~ones == (dividend << places + 2) & 0xFFFFFFFF,
        z3.If(by == 0, m.quotient == ones, z3.ULT(rest, by)),
    ]


def _places(count: z3.BitVecRef) -> z3.BitVecRef:
    return _wide(count) * 2


def _ones(count: z3.BitVecRef) -> z3.BitVecRef:
    return (z3.BitVecVal(1, _WIDE) << _places(count)) - 1


def _wide(word: z3.BitVecRef) -> z3.BitVecRef:
    return z3.ZeroExt(_WIDE - word.size(), word)
