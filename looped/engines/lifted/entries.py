"""Entries of tables of columns: computed by comparisons if that is cheaper than a load."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from looped.analysis.grid import Ints
from looped.analysis.keys import NOBODY
from looped.engines.lifted.code import Code

__all__ = ["entry", "is_simple", "reordered"]

_FEW_RUNS = 8
"""A table of at most this many runs is computed, not loaded: a run costs a comparison and a select,
and a load from a table the size of the memory misses the cache of the processor."""

_FAR = -(1 << 40)
"""Below what any column adds to a place."""


def is_simple(table: Ints) -> bool:
    """Whether the entries of a table are computed. There may be others for NOBODY later."""
    return len(_starts(_steps(table, NOBODY))) <= _FEW_RUNS


def reordered(table: Ints, order: Sequence[int]) -> Ints:
    """The same table for codes whose bit i is bit `order[i]` of its own codes."""
    highest = len(order) - 1
    axes = [highest - order[highest - axis] for axis in range(len(order))]
    return table.reshape((2,) * len(order)).transpose(axes).ravel()


def entry(code: Code, table: Ints, place: int, spare: int = NOBODY) -> int:
    """Emit the entry at `place` (a value) of a table of columns; returns the entry as a value.

    Consecutive columns in consecutive entries form a run, which takes one addition; so do entries
    that are all NOBODY, or all `spare`, which take none.
    """
    steps = _steps(table, spare)
    starts = _starts(steps)
    if len(starts) > _FEW_RUNS:
        code.tables.append(table)
        return code.emit("table", place, number=len(code.tables) - 1)
    runs = []
    for start in starts:
        same = int(table[start]) in (NOBODY, spare)
        step = code.const(int(table[start] if same else steps[start]))
        runs.append(step if same else code.plus(place, step))
    result = runs[-1]
    for end, run in reversed(list(zip(starts[1:], runs, strict=False))):
        below = code.emit("less", place, code.const(end))
        result = code.emit("select", below, run, result)
    return result


def _steps(table: Ints, spare: int) -> Ints:
    """What an entry adds to its place; a number far below for NOBODY and for `spare`."""
    steps = table - np.arange(len(table))
    steps[table == NOBODY] = _FAR
    steps[table == spare] = _FAR - 1 if spare != NOBODY else _FAR
    return steps


def _starts(steps: Ints) -> list[int]:
    """Where runs begin."""
    return [0, *(np.flatnonzero(steps[1:] != steps[:-1]) + 1).tolist()]
