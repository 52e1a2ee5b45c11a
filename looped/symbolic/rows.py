"""The sum of a step as the circuit makes it: two rows and carries.

Other claims follow from these. The solver does not find them by itself.
"""

from __future__ import annotations

import z3

from looped.symbolic.lemmas import Name
from looped.symbolic.loop import Claim, Loop
from looped.symbolic.schoolbook import SUM, fours_of, units_of
from looped.symbolic.unfinished import scratch

__all__ = ["CUT", "Rows"]

CUT = 18
"""The bits that the circuit adds up first."""


class Rows:
    """The rows of a loop: `ones`, `carries` and a `carry`, whose sum is `total`.

    `units`, `fours` and `total` are names for what a step adds: together, what is `added`.
    """

    def __init__(self, loop: Loop) -> None:
        self._loop, s = loop, scratch(loop.registers)
        self.units, self.fours = Name("units", units_of(s)), Name("fours", fours_of(s))
        partial = z3.SignExt(SUM - s.partial.size(), s.partial)
        self.total = Name("total", partial + self.units.word + self.fours.word)
        self.ones = loop.named("ones")
        self.carries = z3.Concat(loop.named("carries"), loop.named("units carry"))
        self.carry = loop.named("fours carry")
        carry = z3.ZeroExt(SUM - 1, self.carry)
        self.sum = Claim(
            "two rows have the sum", (self.ones + self.carries) + carry == self.total.word
        )

    @property
    def names(self) -> tuple[Name, ...]:
        """The names of what a step adds."""
        return self.units, self.fours, self.total

    def claims(self) -> list[Claim]:
        """What the rows are, in small steps."""
        loop = self._loop
        units, fours = (z3.SignExt(3, loop.named(name)) for name in ("units", "fours"))
        more, carry = (
            z3.ZeroExt(SUM - 1, word) for word in (loop.named("units carry"), self.carry)
        )
        three = (fours << 2) + carry * 3
        first = z3.SignExt(SUM - 35, loop.registers["partial"]) + self.units.word
        low, passed = loop.named("total low"), loop.named("total carry")
        ones, carries = (z3.ZeroExt(1, _lowest(row, CUT)) for row in (self.ones, self.carries))
        sliced = ones + carries + _lowest(carry, CUT + 1)
        return [
            Claim("the row of the units", units + more == self.units.word),
            Claim("the row of the fours", three + carry == self.fours.word),
            Claim("two rows for three", self.ones + self.carries == first + three),
            self.sum,
            Claim("its low bits", z3.Concat(passed, low) == sliced),
        ]


def _lowest(word: z3.BitVecRef, width: int) -> z3.BitVecRef:
    return z3.Extract(width - 1, 0, word)
