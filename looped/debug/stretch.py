"""Stretch: what consecutive instructions did, and the words of the machine between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from looped.artefact.plan import Plan
from looped.devices.host import ColumnPort
from looped.engines.engine import NO_LANES
from looped.engines.tape import Tape

__all__ = ["Past", "Stretch", "Unseen"]

_Ints = npt.NDArray[np.int64]
_Words = npt.NDArray[np.uint64]


class Unseen(Exception):
    """A word that the stretch has changed, and whose value before that nobody has read."""

    def __init__(self, column: int) -> None:
        super().__init__(f"column {column}")
        self.column = column


class Stretch:
    """Instructions 0 to `count` - 1 of a stretch, from the tapes of its passes.

    `pcs` (count + 1,) are the program counters before each instruction and after the last one,
    before the host has served that one. `served` are the words that the host set after it.

    `at`, `columns` and `values` (stores,) are all stores to memory and registers, in order: the
    instruction, its column, what it left there.
    """

    def __init__(
        self, plan: Plan, tapes: Sequence[Tape], count: int, served: Sequence[tuple[int, int]] = ()
    ) -> None:
        self.plan = plan
        self.count = count
        self._tapes = tapes
        busy = NO_LANES if plan.busy is None else np.array([plan.busy])
        self._ends = [~tape.any(busy) for tape in tapes]
        self._words: dict[str, _Words] = {}
        self.pcs = self.word("pc").astype(np.int64)
        self.at, self.columns, self.values = self._stores(served)

    def word(self, name: str) -> _Words:
        """A word of the CPU before each instruction and after the last one, (count + 1,)."""
        if name not in self._words:
            lanes = np.array(self.plan.words[name], np.intp)
            seen = [tape.word(lanes) for tape in self._tapes]
            after = [words[1:][ends] for words, ends in zip(seen, self._ends, strict=True)]
            self._words[name] = np.concatenate([seen[0][:1], *after])[: self.count + 1]
        return self._words[name]

    def stores(self, column: int) -> tuple[_Ints, _Words]:
        """The instructions that stored to a column, ascending, and what each of them left there."""
        mine = self.columns == column
        at, values = self.at[mine], self.values[mine]
        last = np.append(at[1:] != at[:-1], True)[: len(at)]
        return at[last], values[last]

    def stored(self) -> set[int]:
        """All columns of memory and registers that an instruction stored to."""
        return set(np.unique(self.columns).tolist())

    def _stores(self, served: Sequence[tuple[int, int]]) -> tuple[_Ints, _Ints, _Words]:
        """Instruction, column, and value of each store to memory or registers, in order."""
        ends = np.concatenate(self._ends)
        numbers: _Ints = np.cumsum(ends) - ends
        at: list[_Ints] = []
        first = 0
        for tape in self._tapes:
            at.append(np.repeat(numbers[first : first + len(tape)], tape.columns.shape[1]))
            first += len(tape)
        at.append(np.full(len(served), self.count - 1))
        columns = [tape.columns.reshape(-1) for tape in self._tapes]
        columns.append(np.array([column for column, _ in served], np.int64))
        values = [tape.values.reshape(-1) for tape in self._tapes]
        values.append(np.array([value for _, value in served], np.uint64))
        where, who, what = np.concatenate(at), np.concatenate(columns), np.concatenate(values)
        kept = (who >= 0) & (who < self.plan.cpu) & (where < self.count)
        return where[kept].astype(np.int64), who[kept], what[kept]


class Past(ColumnPort):
    """The words of a machine before instruction `row` of a stretch: a port that only reads.

    `live` is the machine after the stretch, `known` has words of columns before it. Reads raise
    Unseen if none of them has the word.
    """

    def __init__(self, stretch: Stretch, live: ColumnPort, known: Mapping[int, int]) -> None:
        super().__init__(live.plan, live.engine, live.stream)
        self.stretch = stretch
        self.row = 0
        self._pc: int | None = None
        self._known = known
        self._changes: dict[int | str, tuple[_Ints, Any]] = {}
        self._constant: dict[int, int] = {}
        self._read_words: dict[int | str, None] = {}

    def go_to(self, row: int, pc: int | None = None) -> None:
        """Stand before an instruction, and forget which words were read. A program counter that is
        given counts as never read."""
        self.row, self._pc = row, pc
        self._read_words = {}

    def read_words(self) -> list[int | str]:
        """The words that were read here: columns, and names of words of the CPU."""
        return list(self._read_words)

    def values(self, word: int | str, rows: npt.NDArray[np.intp]) -> _Words:
        """A word that was read here, before each of some instructions."""
        at, values = self._changes[word]
        if isinstance(word, str):
            return np.asarray(values[rows])
        visible = np.searchsorted(at, rows)
        begin = np.uint64(0 if visible.all() else self._begin(word))
        return np.append(values, begin)[visible - 1]

    def next_change(self) -> int | None:
        """The next row at which one of the words that were read is another one."""
        rows = [at[np.searchsorted(at, self.row) :][:1] for at in self._changed()]
        found = np.concatenate([NO_LANES, *rows])
        return int(found.min()) + 1 if len(found) else None

    def previous_change(self) -> int | None:
        """The last instruction before this row that changed one of the words that were read."""
        rows = [at[: np.searchsorted(at, self.row)][-1:] for at in self._changed()]
        found = np.concatenate([NO_LANES, *rows])
        return int(found.max()) if len(found) else None

    def _changed(self) -> list[_Ints]:
        return [self._changes[word][0] for word in self._read_words]

    def _read(self, column: int, word: str) -> int:
        if column == self.plan.cpu:
            return self._cpu(word)
        self._read_words[column] = None
        if column not in self._changes:
            self._changes[column] = self._history(column)
        at, values = self._changes[column]
        visible = int(np.searchsorted(at, self.row))
        return int(values[visible - 1]) if visible else self._begin(column)

    def _begin(self, column: int) -> int:
        """The word of a column before the stretch."""
        if column in self._known:
            return self._known[column]
        if len(self._changes[column][0]):
            raise Unseen(column)
        if column not in self._constant:
            self._constant[column] = super()._read(column, "value")
        return self._constant[column]

    def _cpu(self, name: str) -> int:
        """A word of the CPU."""
        if name == "pc" and self._pc is not None:
            return self._pc
        words = self.stretch.word(name)
        self._read_words[name] = None
        if name not in self._changes:
            self._changes[name] = np.flatnonzero(words[1:] != words[:-1]), words
        return int(words[self.row])

    def _history(self, column: int) -> tuple[_Ints, _Words]:
        """The instructions that changed a column, ascending, and what each of them left there."""
        at, values = self.stretch.stores(column)
        if column not in self._known or not len(at):
            return at, values
        before = np.append(np.uint64(self._known[column]), values[:-1])
        return at[values != before], values[values != before]
