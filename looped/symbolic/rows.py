"""The sum of a step as the circuit makes it: two rows and carries.

Other claims follow from these. The solver does not find them by itself.
"""

from __future__ import annotations

from typing import NamedTuple

import z3

from looped.symbolic.loop import Claim, Loop
from looped.symbolic.schoolbook import SUM, Scratch, fours_of, units_of

__all__ = ["ADDED", "CUT", "Rows", "sums_named"]

CUT = 18
"""The bits that the circuit adds up first."""


class _Sums(NamedTuple):
    """Names for what a step adds: the units, the fours, and everything."""

    units: z3.BitVecRef
    fours: z3.BitVecRef
    total: z3.BitVecRef


ADDED = _Sums(*(z3.BitVec(f"sum of {what}", SUM) for what in ("units", "fours", "all")))


def sums_named(s: Scratch) -> list[z3.BoolRef]:
    """What these names stand for: together, what is `added`."""
    total = z3.SignExt(SUM - 35, s.partial) + ADDED.units + ADDED.fours
    return [ADDED.units == units_of(s), ADDED.fours == fours_of(s), ADDED.total == total]


class Rows:
    """The rows of a loop: `ones`, `carries` and a `carry`, whose sum is `ADDED.total`."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self.ones = loop.named("ones")
        self.carries = z3.Concat(loop.named("carries"), loop.named("units carry"))
        self.carry = loop.named("fours carry")
        carry = z3.ZeroExt(SUM - 1, self.carry)
        self.sum = Claim("two rows have the sum", (self.ones + self.carries) + carry == ADDED.total)

    def claims(self) -> list[Claim]:
        """What the rows are, in small steps."""
        loop = self._loop
        units, fours = (z3.SignExt(3, loop.named(name)) for name in ("units", "fours"))
        more, carry = (
            z3.ZeroExt(SUM - 1, word) for word in (loop.named("units carry"), self.carry)
        )
        three = (fours << 2) + carry * 3
        first = z3.SignExt(SUM - 35, loop.registers["partial"]) + ADDED.units
        low, passed = loop.named("total low"), loop.named("total carry")
        ones, carries = (z3.ZeroExt(1, _lowest(row, CUT)) for row in (self.ones, self.carries))
        sliced = ones + carries + _lowest(carry, CUT + 1)
        return [
            Claim("the row of the units", units + more == ADDED.units),
            Claim("the row of the fours", three + carry == ADDED.fours),
            Claim("two rows for three", self.ones + self.carries == first + three),
            self.sum,
            Claim("its low bits", z3.Concat(passed, low) == sliced),
        ]


def _lowest(word: z3.BitVecRef, width: int) -> z3.BitVecRef:
    return z3.Extract(width - 1, 0, word)
