"""Modes: what a loop that computes does. In each such loop the machine is in one mode.

| function                            | modes of its loops, by the number of the step              |
|-------------------------------------|------------------------------------------------------------|
| mul                                 | product: one for each k, for each digit                    |
| add, sub, relu, copy, print         | sum                                                        |
| div                                 | magnitude, first bit, next bit …, quotient                 |
| rem                                 | magnitude, first bit, next bit …, remainder                |
| sqrt                                | first pair, next pair …, root                              |
| sigmoid, sin, exp                   | half, digit …, coefficient, half, digit …, coefficient     |

The function chooses the first mode. From then on every mode leads to one mode or to the end, so
that the machine is never in two, whatever the fetched instruction is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from looped.circuit.arithmetic import equal
from looped.circuit.circuit import Circuit
from looped.circuit.signals import Condition, any_of_disjoint, disjoint_or, gated, literal
from looped.circuit.words import Word, bit, constant, total

__all__ = ["Lengths", "Modes", "advance", "modes"]

_FIRST = {
    "product": ("mul",),
    "sum": ("relu", "add", "sub", "copy", "print"),
    "magnitude": ("div", "rem"),
    "first pair": ("sqrt",),
    "half": ("sigmoid", "sin", "exp"),
}
"""The mode in which each function begins."""

_LATER = (
    *("first bit", "next bit", "quotient", "remainder"),
    *("next pair", "root"),
    *("digit", "coefficient"),
)


@dataclass(frozen=True, slots=True)
class Lengths:
    """The steps of functions on words of `width` bits with `fraction` bits after the point.

    A multiplier has digits of `digit` bits; a step of a table has one less bit than those, for the
    sign.
    """

    width: int
    fraction: int
    digit: int

    @property
    def digits(self) -> int:
        """The digits of a word."""
        return -(-self.width // self.digit)

    @property
    def table_digits(self) -> int:
        """The digits of a place within a segment of a table, which has `fraction - 2` bits."""
        return -(-(self.fraction - 1) // self.digit)

    @property
    def quotient(self) -> int:
        """The bits of a quotient, before those that exceed a word are cut."""
        return self.width + self.fraction

    @property
    def root(self) -> int:
        """The bits of a root: half those of a positive word and its zeros behind the point."""
        return (self.width + self.fraction) // 2

    @property
    def step_bits(self) -> int:
        """The bits of the number of a step, also of the one after the last."""
        return max(self.quotient + 2, 2 * self.table_digits + 4).bit_length()


@dataclass(frozen=True, slots=True)
class Modes:
    """A register of one bit for each mode, by its name."""

    words: dict[str, Word]

    def __getitem__(self, name: str) -> Condition:
        """Whether the machine is in a mode."""
        return literal(self.words[name])


def modes(m: Circuit, computing: Word) -> Modes:
    """The registers of the modes: one is set if the machine computes, else none is."""
    words = {name: m.register(name, 1) for name in (*_FIRST, *_LATER)}
    ones = total(Word("mode", tuple(word[0] for word in words.values())))
    m.invariant("one mode at most, in computing", ~Condition(ones - bit(computing[0]), 1))
    m.invariant("a mode in computing", Condition(ones - bit(computing[0]), 0))
    return Modes(words)


def advance(
    m: Circuit,
    now: Modes,
    step: Word,
    begins: dict[str, Condition],
    takes_remainder: Condition,
    product_ends: Condition,
    length: Lengths,
) -> list[Condition]:
    """Give the modes their next values; returns the conditions, disjoint, in which the last ends.

    `begins` says for each function whether it begins.
    """

    def at(mode: str, number: int) -> Condition:
        return now[mode] & equal(step, number)

    first = {mode: [begins[f] for f in _FIRST[mode]] for mode in _FIRST}
    divided, rest = at("next bit", length.quotient), at("next bit", length.width) & takes_remainder
    rooted = at("next pair", length.root - 1)
    middle = length.table_digits + 1
    multiplied = [at("digit", middle - 1), at("digit", 2 * middle)]
    again = at("coefficient", middle)
    following: dict[str, tuple[Iterable[Condition], Iterable[Condition]]] = {
        "product": ([*first["product"], now["product"]], [product_ends]),
        "sum": (first["sum"], []),
        "magnitude": (first["magnitude"], []),
        "first bit": ([now["magnitude"]], []),
        "next bit": ([now["first bit"], now["next bit"]], [divided, rest]),
        "quotient": ([divided], []),
        "remainder": ([rest], []),
        "first pair": (first["first pair"], []),
        "next pair": ([now["first pair"], now["next pair"]], [rooted]),
        "root": ([rooted], []),
        "half": ([*first["half"], again], []),
        "digit": ([now["half"], now["digit"]], multiplied),
        "coefficient": (multiplied, []),
    }
    for mode, (enters, leaves) in following.items():
        left = (gated(condition, constant(-1)) for condition in leaves)
        m.next(now.words[mode], disjoint_or(any_of_disjoint(enters), *left))
    ends = [now[mode] for mode in ("sum", "quotient", "remainder", "root")]
    return [product_ends, *ends, now["coefficient"] & ~equal(step, middle)]
