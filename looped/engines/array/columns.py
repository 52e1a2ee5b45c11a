"""Columns: the state of a stream, as what differs from its first state."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from looped.analysis.grid import Ints
from looped.artefact.residual import Residual, compact
from looped.engines.array.alike import Group, idle_groups
from looped.engines.array.tables import Tables
from looped.errors import CompileError

__all__ = ["Columns"]

_MOST_ACTIVE = 4096
"""Columns that each pass evaluates, with scores for each pair. Machines have a few for each CPU."""

Int8s = npt.NDArray[np.int8]


class Columns:
    """The columns of a stream (columns, d_model), all ±1.

    `groups` are idle: a pass need not evaluate their columns unless it wakes them, or they are
    *astray*: then a lane differs from what the premise says. `active` are all other columns.
    Raises CompileError if too many columns are active.
    """

    def __init__(self, tables: Tables, x: Residual) -> None:
        self.first = x
        self._premise = tables.premise
        self._changed: dict[int, Int8s] = {}
        self._astray: set[int] = set()
        groups = idle_groups(tables, x)
        all_idle = sum(len(tables.premise.groups[g.number]) for g in groups)
        if all_idle == len(tables.premise.known):  # a pass evaluates at least one column
            groups.pop()
        self.groups: list[Group] = groups
        self._idle: set[int] = set()
        for group in self.groups:
            self._idle.update(tables.premise.groups[group.number].tolist())
        self.active = self._others()

    def _others(self) -> Ints:
        """The columns that no group contains. Raises CompileError if they are too many."""
        premise = self._premise
        rows = [row for row in range(len(premise.known)) if row not in self._idle]
        if premise.alike and rows[:1] == [0]:
            count, columns = premise.alike, [np.arange(premise.alike)]
        else:
            count, columns = 0, []
        others = np.array(rows[bool(columns) :], np.intp) + premise.alike - (premise.alike > 0)
        count += len(others)
        if count > _MOST_ACTIVE:
            raise CompileError(f"{count} columns may change in every pass")
        return np.concatenate([*columns, others])

    def dirty(self) -> Ints:
        """The columns that a pass evaluates."""
        if not self._astray:
            return self.active
        return np.concatenate([self.active, np.array(sorted(self._astray), np.intp)])

    def rows(self, columns: Ints) -> Int8s:
        """All lanes of some columns, (columns, d_model)."""
        rows = [self.row(column) for column in columns.tolist()]
        return np.array(rows, np.int8).reshape(len(columns), self.first.shape[1])

    def row(self, column: int) -> Int8s:
        """All lanes of one column, (d_model,)."""
        found = self._changed.get(column)
        return self.first.column(column) if found is None else found

    def set(self, column: int, row: Int8s) -> None:
        """Replace a column; static lanes stay as they are."""
        self._changed[column] = row
        number = self._premise.row(column)
        if number in self._idle:
            if (row * self._premise.known[number] < 0).any():
                self._astray.add(column)
            else:
                self._astray.discard(column)

    def residual(self) -> Residual:
        """A copy of the state."""
        found = self.first.copy()
        for column, row in self._changed.items():
            lanes = np.flatnonzero(row != found.column(column))
            if not found.set(column, lanes, row[lanes]):
                return compact(self.state(), 0)
        return found

    def state(self) -> Int8s:
        """A copy of the state, (columns, d_model)."""
        x = np.array(self.first, np.int8)
        for column, row in self._changed.items():
            x[column] = row
        return x
