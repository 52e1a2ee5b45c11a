"""Index: which element comes next, and where its operands are.

Element (i, j) and the index k of a sum choose the operands: the row and the column of each is 0, i,
j or k, as the selectors of the op word say. A sum begins with its last k and counts down.

Workers compute a group of elements with consecutive numbers. Their count is a power of two, so the
mask, count - 1, has ones in its lowest bits, and there the elements of a group differ: these bits
are the number of a worker and never change. The others are those of the group. In the last column
or row of a group they are all ones under the mask: `column | mask`, `row | mask`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from looped.circuit.arithmetic import all_ones, equal
from looped.circuit.circuit import Circuit
from looped.circuit.signals import (
    Condition,
    Gated,
    Signal,
    Value,
    any_of_disjoint,
    literal,
    value,
)
from looped.circuit.sums import wide_sum
from looped.circuit.words import Form, Word, bit, constant, unsigned
from looped.isa.fleq import Selector
from looped.machines.fleq.decode import Instruction
from looped.machines.fleq.state import State

__all__ = ["IndexOutputs", "advance", "index"]

_Terms = list[tuple[Condition | None, Form]]
"""A bit as a sum of forms, each under a condition; None: always."""


@dataclass(frozen=True, slots=True)
class IndexOutputs:
    """Ports out of the index.

    | port          | bits    | content                                                       |
    |---------------|---------|---------------------------------------------------------------|
    | `last_row`    | 1       | whether the group reaches the last row of the result          |
    | `last_column` | 1       | likewise                                                      |
    | `inside`      |         | in the loop that writes: whether the element is in the result |
    | `ends_row`    |         | whether the element is in the last column, or behind it       |
    | `place`       | address | where it is stored                                            |
    """

    last_row: Word
    last_column: Word
    inside: Condition
    ends_row: Condition
    place: Word

    @property
    def last(self) -> Condition:
        """Whether it is the last group."""
        return literal(self.last_row) & literal(self.last_column)


def index(m: Circuit, i: Instruction, s: State, trapping: Word) -> IndexOutputs:
    """The element of this loop; gives `k` and the places of the operands their next values.

    These are zero unless the next loop computes.
    """
    rows, cols = i.field("rows"), i.field("cols")
    column_mask, row_mask = _masks(s)
    out = IndexOutputs(
        last_row=m.let("last row", _reaches(s.row, row_mask, rows)),
        last_column=m.let("last column", _reaches(s.column, column_mask, cols)),
        inside=literal(s.row_inside) & Condition(unsigned(cols) - unsigned(s.column), 0),
        ends_row=Condition(unsigned(s.column) - unsigned(cols), 0),
        place=m.let("place", _moved(i.c, s.element)),
    )
    m.next(s.row_inside, value(s.computes & Condition(unsigned(rows) - unsigned(s.row), 0), 1))
    k = _next_k(i, s, s.fetches)
    for operand, base, place in (("a", i.a, s.place_x), ("b", i.b, s.place_y)):
        offset = m.let(f"offset of {operand}", _offset(operand, i, s, k))
        going = ~literal(trapping) & ~s.writes & ~s.judges & ~literal(s.halted)
        moved = (Signal(constant(0), b.when(going)) for b in _moved(base, offset).signals)
        m.next(place, Value(tuple(moved)))
    kept = _next_k(i, s, s.fetches & ~literal(trapping))
    m.next(s.k, Value(tuple(map(_signal, kept))))
    return out


def advance(m: Circuit, s: State, out: IndexOutputs, trapping: Word) -> None:
    """Go to the next group: `element` gets its next value."""
    column_mask, row_mask = _masks(s)
    row_ends, ends = s.writes & literal(out.last_column), s.writes & out.last
    trap = literal(trapping) & ~s.writes & ~s.judges
    goes_right, goes_down = s.writes & ~literal(out.last_column), row_ends & ~literal(out.last_row)
    columns = _stepped(s.column, column_mask, goes_right, (row_ends, s.judges, trap))
    rows = _stepped(s.row, row_mask, goes_down, (ends, s.judges, trap))
    m.next(s.element, Value((*columns, *rows)))


def _masks(s: State) -> tuple[Word, Word]:
    """The mask of the column and that of the row."""
    half = len(s.mask) // 2
    return s.mask[:half], s.mask[half:]


def _reaches(number: Word, mask: Word, last: Word) -> Value:
    """Whether `number | mask` is at least `last`: it is if the bits above the mask are.

    For each count of ones that the mask may have, one threshold.
    """
    conditions = []
    for k in range(len(mask) + 1):
        ones = all_ones(mask[:k])
        if k < len(mask):
            ones = ones & ~literal(mask[k : k + 1])
        conditions.append(ones & Condition(unsigned(number[k:]) - unsigned(last[k:]), 0))
    return any_of_disjoint(conditions)


def _stepped(
    number: Word, mask: Word, steps: Condition, clears: tuple[Condition, ...]
) -> Iterator[Signal]:
    """The same bits in the next group, or in the first one.

    Of the bits above the mask, one flips where all between it and the mask are ones. With k ones in
    the mask and i bits below, these bits, as a number, are then at least 2^i - 2^k, else less.
    """
    for i, lane in enumerate(number):
        free = ~literal(mask[i : i + 1])
        ones = Condition(unsigned(number[:i]) + unsigned(mask[:i]), (1 << i) - 1)
        cleared = (Gated(condition & free, -bit(lane)) for condition in clears)
        flip = Gated(steps & free & ones, constant(1) - bit(lane) * 2)
        yield Signal(bit(lane), (flip, *cleared))


def _next_k(i: Instruction, s: State, begins: Condition) -> list[_Terms]:
    """Each bit of the next k: one less in a sum of products, else the last one.

    `begins` is whether an element begins: then, too, it is the last one.
    """
    goes_down = s.modes["product"] & ~equal(s.k, 0)
    bits: list[_Terms] = []
    for n, (lane, last) in enumerate(zip(s.k, i.field("inner"), strict=True)):
        borrows = goes_down & equal(s.k[:n], 0) if n else goes_down
        bits.append(
            [
                (begins, bit(last)),
                (s.computes, bit(last)),
                (goes_down, bit(lane) - bit(last)),
                (borrows, constant(1) - bit(lane) * 2),
            ]
        )
    return bits


def _offset(operand: str, i: Instruction, s: State, k: list[_Terms]) -> Value:
    """How far behind its matrix an operand is: its column, then its row."""
    signals = []
    for part in ("col", "row"):
        selector = i.field(f"{operand}_{part}")
        for n in range(i.side_bits):
            sources: tuple[tuple[Selector, _Terms], ...] = (
                (Selector.I, [(None, bit(s.row[n]))]),
                (Selector.J, [(None, bit(s.column[n]))]),
                (Selector.K, k[n]),
            )
            terms: _Terms = [
                (chosen if condition is None else condition & chosen, form)
                for number, source in sources
                for chosen in [equal(selector, number)]
                for condition, form in source
            ]
            signals.append(_signal(terms))
    return Value(tuple(signals))


def _signal(terms: _Terms) -> Signal:
    gated = (Gated(condition, form) for condition, form in terms if condition is not None)
    return Signal(constant(0), tuple(gated))


def _moved(base: Word, offset: Word) -> Value:
    """An address and an offset, which may be shorter, wrapped."""
    places = [bit(lane) for lane in base]
    for i, lane in enumerate(offset):
        places[i] = places[i] + bit(lane)
    return wide_sum(places).bits
