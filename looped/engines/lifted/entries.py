"""Entries of tables of columns: computed by comparisons if that is cheaper than a load."""

from __future__ import annotations

import numpy as np

from looped.analysis.grid import Ints
from looped.analysis.keys import NOBODY
from looped.engines.lifted.code import Code

__all__ = ["entry"]

_FEW_RUNS = 8
"""A table of at most this many runs is computed, not loaded: a run costs a comparison and a select,
and a load from a table the size of the memory misses the cache of the processor."""


def entry(code: Code, table: Ints, place: int) -> int:
    """Emit the entry at `place` (a value) of a table of columns; returns the entry as a value.

    Consecutive columns in consecutive entries form a run, which takes one addition.
    """
    steps = np.where(table == NOBODY, NOBODY, table - np.arange(len(table)))
    starts = [0, *(np.flatnonzero(steps[1:] != steps[:-1]) + 1).tolist()]
    if len(starts) > _FEW_RUNS:
        code.tables.append(table)
        return code.emit("table", place, number=len(code.tables) - 1)
    runs = []
    for start in starts:
        step = code.const(int(steps[start]))
        runs.append(step if table[start] == NOBODY else code.plus(place, step))
    result = runs[-1]
    for end, run in reversed(list(zip(starts[1:], runs, strict=False))):
        below = code.emit("less", place, code.const(end))
        result = code.emit("select", below, run, result)
    return result
