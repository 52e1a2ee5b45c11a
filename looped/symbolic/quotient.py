"""A step of a quotient: what it leaves, the next digit, and that both are the schoolbook's."""

from __future__ import annotations

import z3

from looped.symbolic.comparison import Comparison
from looped.symbolic.lemmas import Name, lemma
from looped.symbolic.loop import Claim, Loop
from looped.symbolic.remainder import Remainder
from looped.symbolic.rows import Rows
from looped.symbolic.schoolbook import Scratch, divisor, is_quotient
from looped.symbolic.unfinished import at_most_digits, operands

__all__ = ["quotient_step"]


def quotient_step(
    loop: Loop, rows: Rows, left: Remainder, wanted: Scratch
) -> tuple[list[Name], list[Claim]]:
    """The names of words, and the claims that show that registers are as `wanted` after the loop.

    They come after the claims about the rows.
    """
    comparison = Comparison(loop, rows, left)
    chosen = comparison.claims()
    funct3, _, b = operands(loop)
    by, given = divisor(funct3, b), (left.by, left.word, is_quotient(funct3))
    digit = loop.following()["digit"]
    few = at_most_digits(wanted.partial, left.count + 1)
    fits = z3.If(by == 0, few, z3.ULT(z3.ZeroExt(1, wanted.partial), by * 4))
    schoolbook = [
        lemma("the digit of the schoolbook", digit == wanted.digit, chosen[-1], *given),
        lemma("three fit again", fits, left.less, left.digits, *given, *left.middle),
    ]
    names = [left.partial, left.by, *comparison.names]
    return names, [*left.claims(), *chosen, *schoolbook]
