"""The lanes of columns as functions of codes, content and the CPU's lanes, all at once.

The proof treats a class of many columns as one column of unknown position: the lanes of its code
are variables. So the score between two columns is a function of both codes and of the CPU's lanes,
and the best score over all columns is its maximum over the code of the key's column. This covers
every column of the class at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from looped.diagrams import Diagrams, Node
from looped.verify.certificate.columns import POSITION, ColumnClass
from looped.verify.certificate.context import Occupants
from looped.verify.certificate.phases import LaneIndex
from looped.verify.certificate.rows import Row
from looped.verify.certificate.semantics import CircuitSemantics

__all__ = ["ColumnLanes", "KeyClass", "LaneVariable"]

LaneVariable = tuple[str, str, int]
"""The variable of a lane of a class in a role: (class, role, lane)."""


@dataclass(frozen=True)
class KeyClass:
    """A class of columns as keys; `basis` is the word of positions that holds their codes."""

    columns: ColumnClass
    basis: str

    @property
    def names(self) -> tuple[LaneVariable, ...]:
        """The variables of the code."""
        lanes = self.columns.codes.get(self.basis, ())
        return tuple((self.columns.name, "key", lane) for lane in lanes)


@dataclass
class ColumnLanes:
    """The lanes of columns as functions in one space of diagrams.

    `occupants` maps lanes of the CPU column to lanes of the circuit; `semantics` makes those
    functions.
    """

    space: Diagrams
    semantics: CircuitSemantics
    occupants: Occupants
    _tables: dict[tuple[str, str, str, int], Node] = field(default_factory=dict)

    def touch(self, row: Row, columns: ColumnClass, role: str, basis: str) -> None:
        """Give the lanes of a form the next places in the order of variables."""
        for lane in row:
            if columns.is_cpu and lane in self.occupants:
                self.semantics.touch(self.occupants[LaneIndex(lane)])
            elif lane not in columns.fixed:
                self.lane(lane, columns, role, basis)

    def lane(self, lane: int, columns: ColumnClass, role: str, basis: str) -> Node:
        """The condition that a lane of a column is +1."""
        if lane in columns.fixed:
            return self.space.one if columns.fixed[lane] > 0 else self.space.zero
        if columns.is_cpu:
            return self.semantics.lane(self.occupants[LaneIndex(lane)])
        role = "" if columns.single else role
        if lane in columns.free or lane in columns.codes[basis]:
            return self.space.variable((columns.name, role, lane))
        return self._tabled(lane, columns, role, basis)

    def _tabled(self, lane: int, columns: ColumnClass, role: str, basis: str) -> Node:
        """A lane of one word of positions as a function of the code in another."""
        key = (columns.name, role, basis, lane)
        if key not in self._tables:
            made = self._counted if columns.counts else self._from_rows
            self._tables[key] = made(lane, columns, role, basis)
        return self._tables[key]

    def _from_rows(self, lane: int, columns: ColumnClass, role: str, basis: str) -> Node:
        rows = [0] * (1 << len(columns.codes[basis]))
        for number, sign in zip(columns.numbers(basis), columns.static[:, lane], strict=True):
            rows[int(number)] = int(sign > 0)
        return self.space.table([(columns.name, role, i) for i in columns.codes[basis]], rows)

    def _counted(self, lane: int, columns: ColumnClass, role: str, basis: str) -> Node:
        """A bit of the code in `basis` plus the distance of the offsets: the sum is rippled."""
        space = self.space
        word = next(word for word, lanes in columns.codes.items() if lane in lanes)
        distance = (columns.offsets[word] - columns.offsets[basis]) % columns.size
        carry = total = space.zero
        for bit, own in enumerate(columns.codes[basis][: columns.codes[word].index(lane) + 1]):
            held = space.variable((columns.name, role, own))
            both = space.times(held, carry)
            total = space.minus(space.add(held, carry), space.scaled(both, 2))
            carry = both
            if distance >> bit & 1:
                total, carry = space.negated(total), space.add(total, both)
        return total

    def exists(self, keys: KeyClass) -> Node:
        """The condition that there is a column with a code."""
        columns, names = keys.columns, keys.names
        if columns.single or columns.complete(keys.basis):
            return self.space.one
        numbers = {int(n) for n in columns.numbers(keys.basis)}
        return self.space.table(names, [int(n in numbers) for n in range(1 << len(names))])

    def form(self, row: Row, columns: ColumnClass, role: str, basis: str = POSITION) -> Node:
        """The value of a form on a column."""
        terms = [(self.lane(lane, columns, role, basis), c) for lane, c in row.items()]
        return self.space.affine(terms, 0)
