"""What every column does in a pass, shown once for all reachable states.

One column computes: the *driver*; several that compute alike are analysed as one (`drivers`). All
others are *passive*: their queries never change and their MLPs add nothing. A pass changes a
passive column only if a key of the driver *captures* it: the column then attends to the driver,
which replaces some of its lanes.

The proof is by induction over passes. Lanes are *known* if they have their values in X at the
beginning, and a pass that begins with these values ends with them. Nothing is sampled; what cannot
be shown raises CompileError.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from looped.analysis.classes import row_classes
from looped.analysis.forms import common_values
from looped.analysis.grid import Ints
from looped.analysis.keys import NOBODY
from looped.analysis.steps import Affine, MlpSteps, mlp_steps
from looped.engines.lifted import model as weights
from looped.engines.lifted.drivers import Drivers, check_apart, find_drivers
from looped.engines.lifted.heads import (
    Capture,
    FixedTarget,
    HeadTargets,
    columns_of,
    head_targets,
    without,
)
from looped.engines.lifted.layout import EACH_COLUMN, ITSELF, Layout
from looped.engines.lifted.model import Head, Known, Model
from looped.errors import CompileError

__all__ = ["Behaviour", "Block", "behaviour"]

_MOST_CLASSES = 64
"""Classes of equal columns: each is analysed once, and the machines have 2."""


@dataclass
class Block:
    """One block: its heads in all columns, and what its MLP adds to the driver."""

    heads: list[tuple[Head, HeadTargets]]
    mlp: MlpSteps = field(default_factory=MlpSteps)


@dataclass(frozen=True)
class Behaviour:
    """What all columns do; `rows` (rows, d_model) are their known lanes between passes.

    The `layout` says which columns a row stands for. Of several `drivers` only the first one is
    among the `columns`: `columns[i]` is the number of column i in the residual stream. All other
    numbers of columns here, in tables too, are such i.

    Other passive columns attend to the `protected` ones, so their lanes must not change: a pass in
    which the driver captures one of them is abandoned.
    """

    driver: int
    rows: Known
    protected: Ints
    blocks: list[Block]
    drivers: Ints
    columns: Ints
    layout: Layout = EACH_COLUMN

    @cached_property
    def known(self) -> Known:
        """The known lanes of every column, (columns, d_model)."""
        return self.layout.expanded(self.rows)

    def of(self, column: int) -> Known:
        """The known lanes of a column; 0 also where alike columns differ."""
        row: Known = self.rows[self.layout.row(column)]
        return row

    def of_all(self, columns: Ints) -> Known:
        """The different rows of some columns, (rows, d_model)."""
        rows: Known = self.rows[self.layout.rows_of(columns)]
        return rows


def behaviour(model: Model, known: Known, layout: Layout = EACH_COLUMN) -> Behaviour:
    """Analyse a model that begins with these lanes (rows, d_model), 0 where a lane is not known.

    Raises CompileError.
    """
    found = find_drivers(model, known, layout)
    if len(found.drivers) == 1:
        return _analysed(model, found, layout)
    try:
        result = _analysed(model, found, layout)
        heads = (seen for block in result.blocks for _, seen in block.heads)
        check_apart(heads, result.driver, layout.row(result.driver))
    except CompileError as error:
        raise CompileError(f"several columns compute: {error}") from None
    return result


def _analysed(model: Model, found: Drivers, layout: Layout) -> Behaviour:
    """The behaviour of all columns, by induction."""
    drivers, columns, known = found
    driver = layout.row(int(drivers[0]))
    protected = _attended_by_passive(model, known, driver, layout)
    known = _first_guess(model, known, driver, layout.rows_of(protected))
    while True:
        assumed = known.copy()
        blocks = []
        for part in model.blocks:
            block = _attention(part, known, driver, protected, layout)
            between = _after_attention(block, known, driver, layout)
            block.mlp = mlp_steps(part.mlp, between)
            known[driver] = _after_mlp(block.mlp, between)
            blocks.append(block)
        known[driver] = np.where(known[driver] == assumed[driver], assumed[driver], 0)
        for capture in _captures(blocks):
            captured = layout.rows_of(without(columns_of(capture.table), protected))
            known[np.ix_(captured, np.array(sorted(capture.touched)))] = 0
        if (known == assumed).all():
            return Behaviour(int(drivers[0]), known, protected, blocks, drivers, columns, layout)


def _captures(blocks: list[Block]) -> list[Capture]:
    heads = [targets for block in blocks for _, targets in block.heads]
    return [targets.capture for targets in heads if targets.capture is not None]


def _busy_columns(block: weights.Block, known: Known) -> list[int]:
    """Columns to which an MLP may add something; at most two of each class of equal columns."""
    busy: list[int] = []
    for members in _classes(known[:, block.mlp.mlp_reads]):
        if not mlp_steps(block.mlp, known[members[0]]).adds_nothing:
            busy += members[:2].tolist()
    return busy


def _classes(rows: npt.NDArray[np.generic]) -> list[Ints]:
    """The indices of equal rows, class by class. Raises CompileError if there are too many."""
    classes = row_classes(rows, _MOST_CLASSES)
    if classes is None:
        raise CompileError("the columns fall into too many classes: the model cannot be lifted")
    return classes


def _attended_by_passive(model: Model, known: Known, driver: int, layout: Layout) -> Ints:
    """The passive columns that other passive columns attend to. Raises CompileError if alike
    columns are among them."""
    me = layout.columns(len(known))
    attended: set[int] = set()
    for head in (head for block in model.blocks for head in block.heads):
        targets = head_targets(head, known, driver, layout, strays=True).targets
        others = (targets != me) & (targets != me[driver]) & (me != me[driver])
        attended.update(np.unique(targets[others]).tolist())
    if attended and min(attended) < layout.alike:
        raise CompileError("passive columns attend to one of the alike columns")
    return np.array(sorted(attended), np.int64)


def _first_guess(model: Model, known: Known, driver: int, protected: Ints) -> Known:
    """The lanes that are assumed known in the first round of the induction; `driver` and
    `protected` are rows.

    Some lanes are unknown from the start, since assuming too much can make a round fail: the
    written lanes in which passive columns differ, and the lanes that the driver's MLPs compute and
    do not clear.
    """
    passive = np.setdiff1d(np.arange(len(known)), np.append(protected, driver))
    values = known[np.ix_(passive, model.written)]
    differing = model.written[(values != values[0]).any(axis=0)]
    result = known.copy()
    result[np.ix_(passive, differing)] = 0
    now, computed = known[driver].copy(), np.zeros(known.shape[1], np.bool_)
    now[model.written] = 0
    for block in model.blocks:
        now[[lane for head in block.heads for lane in head.w_ov]] = 0
        steps = mlp_steps(block.mlp, now)
        computed[list(steps.gated)] = True
        now = _after_mlp(steps, now)
    result[driver, computed & (now == 0)] = 0
    return result


def _attention(
    part: weights.Block, known: Known, driver: int, protected: Ints, layout: Layout
) -> Block:
    """The heads of a block. Raises CompileError if a passive column may change without capture."""
    block = Block([(head, head_targets(head, known, driver, layout)) for head in part.heads])
    taken: set[int] = set()
    for capture in _captures([block]):
        if taken & capture.touched:
            raise CompileError("two heads of a block write to the same lanes")
        taken |= capture.touched
    _check_passive(block, known, driver, protected, layout)
    if any(column != driver for column in _busy_columns(part, known)):
        raise CompileError("an MLP may change passive columns")
    return block


def _check_passive(
    block: Block, known: Known, driver: int, protected: Ints, layout: Layout
) -> None:
    """Raise CompileError if attention changes passive columns that are not captured."""
    if not block.heads:
        return
    targets = np.stack([seen.targets for _, seen in block.heads], axis=1)
    me = layout.columns(len(known))[:, None]
    stay = np.isin(targets, [layout.column(driver), *protected])
    kind = np.where(targets == me, ITSELF, np.where(stay, targets, NOBODY))
    columns = np.delete(np.arange(len(known)), driver)  # rows, from here on
    if (kind[columns] == NOBODY).any():
        raise CompileError("passive columns attend to others that may change")
    for same in _classes(kind[columns]):
        members = columns[same]
        for row in _added_rows(block, kind[members[0]].tolist()):
            if not _adds_nothing(row, known, members, layout):
                raise CompileError("attention changes passive columns in every pass")


def _added_rows(block: Block, targets: list[int]) -> list[dict[tuple[int, int], float]]:
    """What the heads of a block together add to each lane of a column that has these targets, as
    factors of lanes (target, lane)."""
    totals: dict[int, dict[tuple[int, int], float]] = {}
    for (head, _), target in zip(block.heads, targets, strict=True):
        for lane, factors in head.w_ov.items():
            row = totals.setdefault(lane, {})
            for source, factor in factors.items():
                row[target, source] = row.get((target, source), 0.0) + factor
    return list(totals.values())


def _adds_nothing(
    row: dict[tuple[int, int], float], known: Known, members: Ints, layout: Layout
) -> bool:
    """Whether a form over lanes (column, lane) is zero in all members, which are rows; ITSELF is
    the member."""
    value = np.zeros(len(members))
    for (column, source), factor in row.items():
        if factor:
            lanes = known[members if column == ITSELF else layout.row(column), source]
            if not np.all(lanes):
                return False
            value += factor * lanes
    return not value.any()


def _after_attention(block: Block, known: Known, driver: int, layout: Layout) -> Known:
    """What is known of the driver after a block's attention."""
    now = known[driver]
    sums: dict[int, Affine] = {}
    free: set[int] = set()
    for head, seen in block.heads:
        own, sources = seen.driver, head.sources
        columns = np.array([own.column]) if isinstance(own, FixedTarget) else columns_of(own.table)
        rows = layout.rows_of(columns)
        values = common_values(known[np.ix_(rows, np.array(sources))])
        shared = dict(zip(sources, values.tolist(), strict=True))
        for lane, factors in head.w_ov.items():
            form = sums.setdefault(lane, Affine())
            for source, factor in factors.items():
                if rows.tolist() == [driver]:
                    form.add_lane(source, factor, now)
                elif shared[source]:
                    form.constant += factor * shared[source]
                else:
                    free.add(lane)
    result: Known = now.copy()
    for lane, form in sums.items():
        form.add_lane(lane, 1.0, now)
        result[lane] = 0 if lane in free or form.bits else _as_known(form.constant)
    return result


def _after_mlp(steps: MlpSteps, known: Known) -> Known:
    """What is known of a column after an MLP."""
    result = known.copy()
    for lane in {*steps.affine, *steps.gated}:
        form = Affine()
        form.add(steps.affine.get(lane, Affine()))
        form.add_lane(lane, 1.0, known)
        result[lane] = 0 if lane in steps.gated or form.bits else _as_known(form.constant)
    return result


def _as_known(value: float) -> int:
    if abs(value) != 1:
        raise CompileError(f"a lane becomes {value:g}: the model leaves the states of ±1")
    return int(value)
