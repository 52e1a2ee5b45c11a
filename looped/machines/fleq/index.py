"""Index: which element comes next, and where its operands are.

Element (i, j) and the index k of a sum choose the operands: the row and the column of each is 0, i,
j or k, as the selectors of the op word say. A sum begins with its last k and counts down.
"""

from __future__ import annotations

from dataclasses import dataclass

from looped.circuit.arithmetic import all_ones, equal
from looped.circuit.circuit import Circuit
from looped.circuit.signals import Condition, Gated, Signal, Value, literal
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

    | port          | bits    | content                                              |
    |---------------|---------|------------------------------------------------------|
    | `last_row`    | 1       | whether the element is in the last row, or behind it |
    | `last_column` | 1       | likewise                                             |
    | `inside`      |         | whether its column is one of the result              |
    | `place`       | address | where it is stored                                   |
    """

    last_row: Word
    last_column: Word
    inside: Condition
    place: Word

    @property
    def last(self) -> Condition:
        """Whether it is the last element."""
        return literal(self.last_row) & literal(self.last_column)


def index(m: Circuit, i: Instruction, s: State, trapping: Word) -> IndexOutputs:
    """The element of this loop; gives `k` and the places of the operands their next values.

    These are zero unless the next loop computes.
    """
    rows, cols = unsigned(i.field("rows")), unsigned(i.field("cols"))
    out = IndexOutputs(
        last_row=m.let("last row", Condition(unsigned(s.row) - rows, 0)),
        last_column=m.let("last column", Condition(unsigned(s.column) - cols, 0)),
        inside=Condition(cols - unsigned(s.column), 0),
        place=m.let("place", _moved(i.c, Word("element", (*s.column, *s.row)))),
    )
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
    """Go to the next element: `row` and `column` get their next values."""
    row_ends, ends = s.writes & literal(out.last_column), s.writes & out.last
    trap = literal(trapping) & ~s.writes & ~s.judges
    m.next(
        s.column,
        _stepped(s.column, s.writes & ~literal(out.last_column), (row_ends, s.judges, trap)),
    )
    m.next(s.row, _stepped(s.row, row_ends & ~literal(out.last_row), (ends, s.judges, trap)))


def _stepped(word: Word, steps: Condition, clears: tuple[Condition, ...]) -> Value:
    """One more, or zero, or the same: a bit flips where all below are ones."""
    signals = []
    for i, lane in enumerate(word):
        flips = steps & all_ones(word[:i]) if i else steps
        cleared = (Gated(condition, -bit(lane)) for condition in clears)
        flip = Gated(flips, constant(1) - bit(lane) * 2)
        signals.append(Signal(bit(lane), (flip, *cleared)))
    return Value(tuple(signals))


def _next_k(i: Instruction, s: State, begins: Condition) -> list[_Terms]:
    """Each bit of the next k: one less in a sum of products, else the last one.

    `begins` is whether an element begins: then, too, it is the last one.
    """
    goes_down = s.computes & i.calls("mul") & ~equal(s.k, 0)
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
