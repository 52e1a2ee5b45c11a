"""Operands: what the adder gets, read from memory under conditions.

A product takes a step for each digit of x (radix 16, from the lowest on) and each k. The digit is

    x[4n-1] + x[4n] + 2 x[4n+1] + 4 x[4n+2] - 8 x[4n+3]      from -8 to 8

(Booth 1951), so y is read up to five times: where the bit of x is set. The other functions use the
same heads.

| head     | weight | product    | add | sub | relu, copy |
|----------|--------|------------|-----|-----|------------|
| term low | 1      | y, x[4n-1] | x   | x   | x          |
| term 0   | 1      | y, x[4n]   | y   | y   |            |
| term 1   | 2      | y, x[4n+1] |     | y   |            |
| term 2   | 4      | y, x[4n+2] |     | y   |            |
| term 3   | -8     | y, x[4n+3] |     | y   |            |
"""

from __future__ import annotations

from dataclasses import dataclass

from looped.circuit.arithmetic import equal
from looped.circuit.circuit import Circuit
from looped.circuit.signals import Condition, any_of_disjoint, disjoint_or, gated, literal
from looped.circuit.words import Word, bit
from looped.machines.fleq.decode import Instruction
from looped.machines.fleq.state import DIGIT, State, digits

__all__ = ["OperandsOutputs", "operands"]

_SIMPLE = ("add", "sub", "relu", "copy")
_READS_Y = {"add": (0,), "sub": tuple(range(DIGIT))}
"""Which terms of y a function takes: together once, or -1 times."""


@dataclass(frozen=True, slots=True)
class OperandsOutputs:
    """Ports out of the operands: words that are zero where they are not read.

    `low` counts once; `terms[g]` counts 2^g times, but the last one is subtracted.
    """

    low: Word
    terms: tuple[Word, ...]


def operands(m: Circuit, i: Instruction, s: State) -> OperandsOutputs:
    """Read what the adder adds in this loop."""
    x = m.read("x", s.place_x)
    product = s.computes & i.calls("mul")
    low = [*_digit(x, -1, product, s), *(s.computes & i.calls(f) for f in _SIMPLE)]
    where = disjoint_or(
        gated(product, *map(bit, s.place_y)),
        gated(s.computes & ~i.calls("mul"), *map(bit, s.place_x)),
    )
    terms = []
    for g in range(DIGIT):
        opens = _digit(x, g, product, s)
        opens += [s.computes & i.calls(f) for f, taken in _READS_Y.items() if g in taken]
        when = m.let(f"term {g} counts", any_of_disjoint(opens))
        terms.append(m.read(f"term {g}", s.place_y, when=when))
    when = m.let("term low counts", any_of_disjoint(low))
    return OperandsOutputs(
        m.read("term low", m.let("where", where), when=when),
        tuple(terms),
    )


def _digit(x: Word, g: int, product: Condition, s: State) -> list[Condition]:
    """When bit g of the digit is set, for each digit; the sign continues x."""
    conditions = []
    for n in range(digits(len(x))):
        at = DIGIT * n + g
        if at >= 0:
            at = min(at, len(x) - 1)
            conditions.append(product & equal(s.step, n) & literal(x[at : at + 1]))
    return conditions
