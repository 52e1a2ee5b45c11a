"""Classes of columns: which lanes never change, which are a code, which may have either sign.

Columns form classes by what never changes: a lane is *static* if the empty residual stream has a +1
in it anywhere, except for the memory word. In the CPU column, live lanes may have either sign, and
all others hold -1. In every other column, only the memory word may have either sign; in the null
column of a machine with workers, no lane may. All workers are one class, with the structure of one
column: which other workers there are is the matter of `rival_workers`.

The columns of memory are one class that counts: the residual stream says so (`Residual.positions`).
So nothing here grows with memory but the number of bits of a position.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from looped.artefact.embedding import State, embed_compact
from looped.artefact.plan import Plan
from looped.artefact.residual import Residual
from looped.passes.allocate import VALUE

__all__ = ["POSITION", "ColumnClass", "column_classes", "rival_workers", "static_lanes"]

POSITION = "position"


@dataclass(frozen=True)
class ColumnClass:
    """Columns that differ in their position and their content only.

    `fixed` maps each lane that has one sign in all of them to that sign. `free` are the lanes that
    may have either sign. `codes` maps each word of positions to those of its lanes that differ
    between columns. There are `size` columns; the numbers of these are `members`, and `static`
    (columns, d_model) is what the static lanes hold. Of the CPU columns, and of columns that count,
    both have the first one only.

    Columns count if there is a power of two of them, and the code of column c in each word of
    positions is (c + offset) modulo their number, with an offset of `offsets`.
    """

    name: str
    is_cpu: bool
    fixed: Mapping[int, int]
    free: frozenset[int]
    codes: Mapping[str, tuple[int, ...]]
    static: State
    members: npt.NDArray[np.intp]
    size: int
    offsets: Mapping[str, int] = field(default_factory=dict)

    @property
    def single(self) -> bool:
        """Whether it is one column."""
        return self.size == 1

    @property
    def counts(self) -> bool:
        """Whether the columns count."""
        return bool(self.offsets)

    def coded(self) -> frozenset[int]:
        """The lanes that are part of some code."""
        return frozenset(lane for lanes in self.codes.values() for lane in lanes)

    def with_free(self, alive: frozenset[int]) -> ColumnClass:
        """The same class, in which exactly these lanes may have either sign."""
        dead = dict.fromkeys(self.free - alive, -1)
        return replace(self, free=alive, fixed={**self.fixed, **dead})

    def complete(self, word: str) -> bool:
        """Whether every possible code belongs to exactly one column."""
        if self.counts:
            return True
        found = np.unique(self.numbers(word))
        return len(found) == self.size == 1 << len(self.codes[word])

    def numbers(self, word: str) -> npt.NDArray[np.int64]:
        """The code of every column that does not count in a word of positions, from the lanes that
        differ."""
        ones = self.static[:, list(self.codes[word])] > 0
        return np.asarray((ones * (1 << np.arange(ones.shape[1]))).sum(axis=1), dtype=np.int64)


def rival_workers(plan: Plan, cpu: ColumnClass) -> tuple[ColumnClass, ...]:
    """Another worker, as the keys of a worker: its free lanes hold anything. None of one CPU."""
    another = replace(cpu, name="another worker", is_cpu=False)
    return (another,) if len(plan.cpus) > 1 else ()


def static_lanes(plan: Plan) -> frozenset[int]:
    """The lanes that no weight and no host ever changes."""
    x = _empty(plan.with_workers(1))
    used = {*np.flatnonzero(x.row > 0).tolist(), *np.flatnonzero((x.rest > 0).any(axis=0)).tolist()}
    for lanes, _ in x.positions:
        used |= {lane for bit, lane in enumerate(lanes) if 1 << bit < x.alike}
    return frozenset(used) - frozenset(plan.words[VALUE])


def _empty(plan: Plan) -> Residual:
    """The columns for an empty program that begins at address 0."""
    return embed_compact((), replace(plan, entry=0), 0)


def column_classes(plan: Plan) -> tuple[ColumnClass, ...]:
    """All columns of a machine, the CPU first."""
    x = _empty(plan)
    positions = {w: lanes for w, lanes in plan.words.items() if w.startswith(POSITION)}
    placed = {lane for lanes in positions.values() for lane in lanes}
    tags = sorted(static_lanes(plan) - placed)
    alone = _counts(x) and not (x.rest[:, tags] == x.row[tags]).all(axis=1).any()
    first = x.alike if alone else 0  # the columns before it are alike, and others are not
    rows = x.rest if alone else np.asarray(x)
    numbers = np.arange(first, plan.columns)
    kinds = np.column_stack([~np.isin(numbers, plan.cpus), rows[:, tags] > 0])
    groups, kind = np.unique(kinds, axis=0, return_inverse=True)
    members = [np.flatnonzero(kind.reshape(-1) == group) for group in range(len(groups))]
    classes = [_column_class(plan, rows[own], positions, own + first) for own in members]
    memory = [_memory_class(plan, x, positions)] if alone else []
    return (*classes[:1], *memory, *classes[1:])


def _counts(x: Residual) -> bool:
    """Whether the code of an alike column is in each word of positions one of its own."""
    bits = (x.alike - 1).bit_length()
    return 1 < x.alike == 1 << bits and all(len(lanes) >= bits for lanes, _ in x.positions)


def _memory_class(plan: Plan, x: Residual, positions: Mapping[str, tuple[int, ...]]) -> ColumnClass:
    """The columns that are alike, which count."""
    offsets = {lanes: offset % x.alike for lanes, offset in x.positions}
    bits = x.alike.bit_length() - 1
    codes = {word: lanes[:bits] for word, lanes in positions.items()}
    free = frozenset(plan.words[VALUE])
    row = x.column(0)
    moving = free.union(*codes.values())
    fixed = {lane: int(row[lane]) for lane in range(plan.d_model) if lane not in moving}
    name = f"{plan.column_name(0)} to {plan.column_name(x.alike - 1)}"
    own = {word: offsets[lanes] for word, lanes in positions.items()}
    return ColumnClass(
        name, False, fixed, free, codes, row[None], np.zeros(1, np.intp), x.alike, own
    )


def _column_class(
    plan: Plan, own: State, positions: Mapping[str, tuple[int, ...]], columns: npt.NDArray[np.intp]
) -> ColumnClass:
    """The class of these columns, whose static lanes are `own`."""
    is_cpu = bool(columns[0] == plan.cpu)
    own = own[:1] if is_cpu else own
    varies = (own != own[0]).any(axis=0)
    codes = {w: tuple(lane for lane in lanes if varies[lane]) for w, lanes in positions.items()}
    static = static_lanes(plan)
    changing = frozenset(range(plan.d_model)) - static - frozenset(plan.words[VALUE])
    null = plan.workers is not None and int(columns[0]) == plan.null
    free = changing if is_cpu else frozenset[int]() if null else frozenset(plan.words[VALUE])
    fixed = {i: int(own[0, i]) for i in range(plan.d_model) if i not in free and not varies[i]}
    first, last = plan.column_name(int(columns[0])), plan.column_name(int(columns[-1]))
    name = first if len(columns) == 1 else f"{first} to {last}"
    return ColumnClass(name, is_cpu, fixed, free, codes, own, columns, len(own))
