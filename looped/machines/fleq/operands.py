"""Operands: what the adder adds to the accumulator, five terms of different weights.

    low + t0 + 2 t1 + 4 t2 - 8 t3

Each term is y, read from memory in loops that take it, or a number that a function has put there.
A product takes a step for each digit of x (radix 16, from the lowest on) and each k. The digit is

    x[4n-1] + x[4n] + 2 x[4n+1] + 4 x[4n+2] - 8 x[4n+3]      from -8 to 8

(Booth 1951), so y counts in a term where the bit of x is set. Of a term that counts in `low` alone
the factor is 1, in t0 to t3 together -1.
"""

from __future__ import annotations

from looped.circuit.arithmetic import equal
from looped.circuit.circuit import Circuit
from looped.circuit.signals import Condition, disjoint_or, literal
from looped.circuit.words import Word
from looped.machines.fleq.bus import ONE, Bus
from looped.machines.fleq.decode import Instruction
from looped.machines.fleq.state import DIGIT, State

__all__ = [
    "LOW",
    "TERMS",
    "add_or_subtract",
    "add_y",
    "counts",
    "multiply",
    "read_terms",
    "subtract_y",
]

LOW = "low term"
TERMS = tuple(f"term {g}" for g in range(DIGIT))
"""`low` counts once; `TERMS[g]` counts 2^g times, but the last one is subtracted."""


def counts(term: str) -> str:
    """The word of the bus that says whether y counts in a term."""
    return f"{term} counts"


def add_y(bus: Bus, condition: Condition) -> None:
    """Add y."""
    bus.drive(counts(LOW), condition, [ONE])


def subtract_y(bus: Bus, condition: Condition) -> None:
    """Subtract y."""
    for term in TERMS:
        bus.drive(counts(term), condition, [ONE])


def multiply(bus: Bus, x: Word, s: State, digits: int) -> None:
    """Add y times a digit of x, in a product."""
    for g, term in enumerate((LOW, *TERMS), -1):
        for n in range(digits):
            at = min(DIGIT * n + g, len(x) - 1)  # the sign continues x
            if at >= 0:
                condition = s.modes["product"] & equal(s.step, n) & literal(x[at : at + 1])
                bus.drive(counts(term), condition, [ONE])


def add_or_subtract(bus: Bus, i: Instruction, s: State) -> None:
    """Add y, or subtract it, if the function says so."""
    add_y(bus, s.modes["sum"] & i.calls("add"))
    subtract_y(bus, s.modes["sum"] & i.calls("sub"))


def read_terms(m: Circuit, bus: Bus, s: State) -> dict[str, Word]:
    """The terms, by name: what is on the bus, and y where it counts."""
    words = {}
    for term in (LOW, *TERMS):
        start = m.let(f"start of {term}", bus.value(term))
        y = m.read(f"y in {term}", s.place_y, when=m.let(counts(term), bus.value(counts(term))))
        words[term] = m.let(term, disjoint_or(start, y))
    return words
