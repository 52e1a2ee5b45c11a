"""What a step of a quotient leaves: the partial remainder less as many divisors as the digit says.

All of a step at once is too much for a solver: it multiplies by three, compares multiples, and adds
up in another order than the circuit. So most claims here are lemmas about a few words.
"""

from __future__ import annotations

import z3

from looped.symbolic.lemmas import Name, lemma
from looped.symbolic.loop import Claim, Loop
from looped.symbolic.rows import Rows
from looped.symbolic.schoolbook import SUM, divisor, operand, quotient_digit
from looped.symbolic.unfinished import END, at_most_digits, operands, scratch

__all__ = ["WIDE", "Remainder", "wide"]

WIDE = 42
"""Bits of the words of these lemmas: nothing overflows."""


class Remainder:
    """The remainder, `total`, and the claims about it.

    `more` is it and the next bits of the dividend, which are `brought`. Lemmas elsewhere use the
    names `partial` and `by`, the divisor, and some claims: the `size` of the divisor, what the
    `digit` is, that `partial` less a `multiple` is `left`, that this is `less` than the divisor,
    or for a divisor of zero a number of as many `digits` as loops have read, and so a `word`. They
    hold for the `middle` loops.
    """

    def __init__(self, loop: Loop, rows: Rows) -> None:
        self._rows = rows
        self._s, self.count = s, _ = scratch(loop.registers), loop.registers["count"]
        self.middle = self.count != END, z3.ULE(self.count, END)
        funct3, _, b = operands(loop)
        self.partial = Name("partial", wide(s.partial))
        self.by = Name("divisor", wide(divisor(funct3, b)))
        self.total, self.brought = wide(rows.total.word), z3.Extract(31, 30, s.low)
        self.more = (self.total << 2) + wide(self.brought)
        by, total = self.by.word, self.total
        one = z3.If(s.complement, z3.BitVecVal(1, WIDE), z3.BitVecVal(0, WIDE))
        self.size = Claim("the divisor", z3.And(wide(s.second) + one == by, z3.ULT(by, 1 << 32)))
        few = at_most_digits(s.partial, self.count)
        fits = z3.If(by == 0, few, z3.ULT(self.partial.word, by * 4))
        self._fits = Claim("three fit at most", fits)
        self.multiple = z3.BitVecVal(0, WIDE)
        for k in (1, 2, 3):
            taken = z3.UGE(self.partial.word, by * k)
            self.multiple = z3.If(taken, by * k, self.multiple)
        self.digit = Claim("the digit", s.digit == quotient_digit(self.partial.word, by))
        self._taken = self._what_is_taken()
        left = self.left = lemma(
            "what is left",
            total == self.partial.word - self.multiple,
            *(rows.total, self._taken[-1], self._fits),
            *(self.size, self.partial, *self.middle),
        )
        self.less = lemma(
            "a remainder", z3.Or(by == 0, z3.ULT(total, by)), left, self._fits, self.size
        )
        few = z3.Or(by != 0, at_most_digits(total, self.count))
        self.digits = lemma("digits of the dividend", few, left, self._fits, self.partial)
        enough = self.less, self.digits, self.size, *self.middle
        self.word = lemma("of 32 bits", z3.ULT(total, 1 << 32), *enough)

    def claims(self) -> list[Claim]:
        """All of them, each after its premises."""
        taken = [self.size, self._fits, self.digit, *self._taken]
        return [*taken, self.left, self.less, self.digits, self.word]

    def _what_is_taken(self) -> list[Claim]:
        rows = self._rows
        times = lemma("what is multiplied", operand(self._s) == _low(self.by.word), self.size)
        taken = lemma(
            "what the digit subtracts",
            rows.units.word + rows.fours.word == -_low(self.multiple),
            *(rows.units, rows.fours, times, self.digit),
        )
        return [times, taken]


def wide(word: z3.BitVecRef) -> z3.BitVecRef:
    """An unsigned word in the bits of the lemmas."""
    return z3.ZeroExt(WIDE - word.size(), word)


def _low(word: z3.BitVecRef) -> z3.BitVecRef:
    return z3.Extract(SUM - 1, 0, word)
