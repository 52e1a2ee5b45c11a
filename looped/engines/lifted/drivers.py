"""Drivers: the columns in which some MLP adds something. Several have the same weights and code.

Several drivers are analysed as one. It stands for each of them: a lane of it is known only if it is
known, and the same, in all. The others are left out of the columns. That is sound if no column
attends to a driver except where a key captures it, since then drivers do not see each other:

- A fixed key is the same for all drivers, since it depends on known lanes alone. What attends to
  none of the drivers scores the one in the analysis too low, and so the others.
- A key that varies is compared with each query by all values that it can have. So it is below the
  best score for every query that it does not capture, whichever driver has it.
- A query that a driver captures has a best score for the column itself that exceeds by the margin
  what a driver scores that does not capture it, and is exceeded by the margin by one that does. So
  of two drivers the one that captures the column wins by twice the margin.

If two capture the same column in one pass, no one wins: such a pass must be abandoned.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from looped.analysis.classes import row_classes
from looped.analysis.forms import common_values
from looped.analysis.grid import Ints
from looped.analysis.steps import mlp_steps
from looped.engines.lifted.heads import FixedTarget, HeadTargets, columns_of
from looped.engines.lifted.layout import Layout
from looped.engines.lifted.model import Block, Known, Model
from looped.errors import CompileError

__all__ = ["Drivers", "check_apart", "find_drivers"]

_MOST_CLASSES = 64
"""Classes of columns with equal static lanes: each is analysed once, and the machines have 3."""

_FEW_STATES = 8
"""So many states of a class are analysed one by one. FLEQ has up to 256 drivers in one class, with
as many states; one analysis of an MLP takes a twentieth of a second."""


class Drivers(NamedTuple):
    """The drivers, all columns except the second driver and the following ones, and the known lanes
    of these `columns` row by row, where the first driver stands for all."""

    drivers: Ints
    columns: Ints
    known: Known


def find_drivers(model: Model, known: Known, layout: Layout) -> Drivers:
    """The columns in which some MLP adds something, from known lanes (rows, d_model).

    Raises CompileError if there are none, or if alike columns are among them.
    """
    busy: set[int] = set()
    for block in model.blocks:
        busy |= _busy_rows(model, block, known)
    if not busy:
        raise CompileError("no column computes anything: there is nothing to lift")
    if layout.alike and 0 in busy:
        raise CompileError("alike columns compute")
    rows = np.array(sorted(busy), np.int64)
    left = np.setdiff1d(np.arange(len(known)), rows[1:])
    seen = known[left]
    seen[left == rows[0]] = common_values(known[rows])
    drivers = layout.columns(len(known))[rows]
    count = len(known) + layout.alike - (layout.alike > 0)
    return Drivers(drivers, np.delete(np.arange(count), drivers[1:]), seen)


def _busy_rows(model: Model, block: Block, known: Known) -> set[int]:
    """Rows of columns to which an MLP may add something, in any state or in their own."""
    static = known.copy()
    static[:, model.written] = 0
    reads = block.mlp.mlp_reads
    busy: set[int] = set()
    classes = row_classes(static[:, reads], _MOST_CLASSES)
    if classes is None:
        raise CompileError("the columns fall into too many classes: the model cannot be lifted")
    for members in classes:
        if _is_idle(block, static[members[0]]):
            continue
        states = row_classes(known[np.ix_(members, np.flatnonzero(reads))], _FEW_STATES)
        if states is None:
            busy.update(members.tolist())
        for same in states or ():
            if not mlp_steps(block.mlp, known[members[same[0]]]).adds_nothing:
                busy.update(members[same].tolist())
    return busy


def _is_idle(block: Block, known: Known) -> bool:
    """Whether an MLP is shown to add nothing to a column of which so little is known."""
    try:
        return mlp_steps(block.mlp, known).adds_nothing
    except CompileError:  # a unit that is no threshold unless more lanes are known
        return False


def check_apart(heads: Iterable[HeadTargets], driver: int, row: int) -> None:
    """Raise CompileError if a column attends to a driver, which has that row and does not capture
    it."""
    for seen in heads:
        own = seen.driver
        found = [own.column] if isinstance(own, FixedTarget) else columns_of(own.table)
        others: npt.NDArray[np.bool_] = np.delete(seen.targets, row) == driver
        if driver in found or others.any():
            raise CompileError("columns that compute attend to each other")
