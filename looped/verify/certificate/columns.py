"""Classes of columns: which lanes never change, which are a code, which may have either sign.

Columns form classes by what never changes: a lane is *static* if the empty residual stream has a +1
in it anywhere, except for the memory word. In the CPU column, live lanes may have either sign, and
all others hold -1. In every other column, only the memory word may have either sign; in the null
column of a machine with workers, no lane may. All workers are one class, with the structure of one
column: which other workers there are is the matter of `rival_workers`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from looped.artefact.embedding import State, embed
from looped.artefact.plan import Plan
from looped.passes.allocate import VALUE

__all__ = ["POSITION", "ColumnClass", "column_classes", "rival_workers", "static_lanes"]

POSITION = "position"


@dataclass(frozen=True)
class ColumnClass:
    """Columns that differ in their position and their content only.

    `fixed` maps each lane that has one sign in all of them to that sign. `free` are the lanes that
    may have either sign. `codes` maps each word of positions to those of its lanes that differ
    between columns. `static` is (columns, d_model): what the static lanes hold; `members` are the
    columns' numbers. For the CPU columns, `static` is that of the first one.
    """

    name: str
    is_cpu: bool
    fixed: Mapping[int, int]
    free: frozenset[int]
    codes: Mapping[str, tuple[int, ...]]
    static: State
    members: npt.NDArray[np.intp]

    @property
    def single(self) -> bool:
        """Whether it is one column."""
        return len(self.static) == 1

    def coded(self) -> frozenset[int]:
        """The lanes that are part of some code."""
        return frozenset(lane for lanes in self.codes.values() for lane in lanes)

    def with_free(self, alive: frozenset[int]) -> ColumnClass:
        """The same class, in which exactly these lanes may have either sign."""
        dead = dict.fromkeys(self.free - alive, -1)
        return replace(self, free=alive, fixed={**self.fixed, **dead})

    def complete(self, word: str) -> bool:
        """Whether every possible code belongs to exactly one column."""
        found = np.unique(self.numbers(word))
        return len(found) == len(self.static) == 1 << len(self.codes[word])

    def numbers(self, word: str) -> npt.NDArray[np.int64]:
        """The code of every column in a word of positions, from the lanes that differ."""
        ones = self.static[:, list(self.codes[word])] > 0
        return np.asarray((ones * (1 << np.arange(ones.shape[1]))).sum(axis=1), dtype=np.int64)


def rival_workers(plan: Plan, cpu: ColumnClass) -> tuple[ColumnClass, ...]:
    """Another worker, as the keys of a worker: its free lanes hold anything. None of one CPU."""
    another = replace(cpu, name="another worker", is_cpu=False)
    return (another,) if len(plan.cpus) > 1 else ()


def static_lanes(plan: Plan) -> frozenset[int]:
    """The lanes that no weight and no host ever changes."""
    used = (_empty(plan.with_workers(1)) > 0).any(axis=0)
    return frozenset(np.flatnonzero(used).tolist()) - frozenset(plan.words[VALUE])


def _empty(plan: Plan) -> State:
    """The columns for an empty program that begins at address 0."""
    return embed((), replace(plan, entry=0))


def column_classes(plan: Plan) -> tuple[ColumnClass, ...]:
    """All columns of a machine, the CPU first."""
    x = _empty(plan)
    positions = {w: lanes for w, lanes in plan.words.items() if w.startswith(POSITION)}
    placed = {lane for lanes in positions.values() for lane in lanes}
    static = static_lanes(plan)
    tags = sorted(static - placed)
    kinds = np.column_stack([~np.isin(np.arange(plan.columns), plan.cpus), x[:, tags] > 0])
    groups, kind = np.unique(kinds, axis=0, return_inverse=True)
    members = (np.flatnonzero(kind.reshape(-1) == group) for group in range(len(groups)))
    return tuple(_column_class(plan, x, positions, columns) for columns in members)


def _column_class(
    plan: Plan, x: State, positions: Mapping[str, tuple[int, ...]], columns: npt.NDArray[np.intp]
) -> ColumnClass:
    is_cpu = bool(columns[0] == plan.cpu)
    own = x[columns[:1] if is_cpu else columns]
    varies = (own != own[0]).any(axis=0)
    codes = {w: tuple(lane for lane in lanes if varies[lane]) for w, lanes in positions.items()}
    static = static_lanes(plan)
    changing = frozenset(range(plan.d_model)) - static - frozenset(plan.words[VALUE])
    null = plan.workers is not None and int(columns[0]) == plan.null
    free = changing if is_cpu else frozenset[int]() if null else frozenset(plan.words[VALUE])
    fixed = {i: int(own[0, i]) for i in range(plan.d_model) if i not in free and not varies[i]}
    first, last = plan.column_name(int(columns[0])), plan.column_name(int(columns[-1]))
    name = first if len(columns) == 1 else f"{first} to {last}"
    return ColumnClass(name, is_cpu, fixed, free, codes, own, columns)
