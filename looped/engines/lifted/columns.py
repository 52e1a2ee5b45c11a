"""What every column does in every pass, shown once for all states that can be reached.

One column computes: the *driver*. All others are *passive*: their queries never change, their MLPs
add nothing, and a pass leaves them as they are unless a key of the driver *captures* them, in which
case some of their lanes are replaced. This is an induction: lanes that are the same in X, and that
no pass changes as long as they are, are *known*. Nothing is sampled; whatever cannot be shown is a
CompileError.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from looped.analysis.keys import NOBODY, kinds
from looped.analysis.steps import Affine, Changes, mlp_changes
from looped.engines.lifted import model as weights
from looped.engines.lifted.heads import Capture, Find, View, columns_of, view
from looped.engines.lifted.model import Ints, Known, Model
from looped.errors import CompileError

__all__ = ["Behaviour", "Block", "behaviour"]


@dataclass
class Block:
    """One block: its heads in all columns, and what its MLP adds to the driver."""

    heads: list[tuple[weights.Head, View]]
    changes: Changes = field(default_factory=Changes)


@dataclass(frozen=True)
class Behaviour:
    """`known` (columns, d_model) between passes.

    Passive columns find those that are `protected`. Their lanes must not change: a pass in which
    one of them would be captured has to be given up.
    """

    driver: int
    known: Known
    protected: Ints
    blocks: list[Block]


def behaviour(model: Model, x: Known, host: npt.NDArray[np.bool_]) -> Behaviour:
    """Analyse a model on states that are `x` (columns, d_model) where they never change.

    `host` marks lanes that are set from outside and so are never known. Raises CompileError.
    """
    known = np.where(host, 0, x).astype(np.int8)
    driver = _find_driver(model, known)
    protected = _found_by_passive(model, known, driver)
    known = _first_guess(model, known, driver, protected)
    while True:
        assumed = known.copy()
        blocks = []
        for part in model.blocks:
            block = _attention(part, known, driver, protected)
            between = _after_attention(block, known, driver)
            block.changes = mlp_changes(part, between)
            known[driver] = _after_mlp(block.changes, between)
            blocks.append(block)
        known[driver] = np.where(known[driver] == assumed[driver], assumed[driver], 0)
        for capture in _captures(blocks):
            columns = np.setdiff1d(columns_of(capture.table), protected)
            known[np.ix_(columns, np.array(sorted(capture.touched)))] = 0
        if (known == assumed).all():
            return Behaviour(driver, known, protected, blocks)


def _captures(blocks: list[Block]) -> list[Capture]:
    views = [seen for block in blocks for _, seen in block.heads]
    return [seen.capture for seen in views if seen.capture is not None]


def _find_driver(model: Model, known: Known) -> int:
    """The one column in which some MLP adds something."""
    busy: set[int] = set()
    for block in model.blocks:
        busy.update(_busy_columns(block, known))
        if len(busy) > 1:
            raise CompileError("several columns compute: only models with one can be lifted")
    if not busy:
        raise CompileError("no column computes anything: there is nothing to lift")
    return busy.pop()


def _busy_columns(block: weights.Block, known: Known) -> list[int]:
    """Columns in which an MLP may add something; of each kind of columns, two at most."""
    found: list[int] = []
    for members in kinds(known[:, block.seen]):
        changes = mlp_changes(block, known[members[0]])
        if changes.gated or any(f.constant or f.bits for f in changes.affine.values()):
            found += members[:2].tolist()
    return found


def _found_by_passive(model: Model, known: Known, driver: int) -> Ints:
    """The passive columns that other passive ones find."""
    me = np.arange(len(known))
    result: set[int] = set()
    for head in (head for block in model.blocks for head in block.heads):
        found = view(head, known, driver).found
        others = (found != me) & (found != driver) & (me != driver)
        result.update(np.unique(found[others]).tolist())
    return np.array(sorted(result), np.int64)


def _first_guess(model: Model, known: Known, driver: int, protected: Ints) -> Known:
    """Some lanes are taken for unknown from the start: a guess that is too bold may lead astray.

    They are those written somewhere in which passive columns differ, and those that the driver's
    MLPs compute from others and do not clear, whatever its lanes are.
    """
    passive = np.setdiff1d(np.arange(len(known)), np.append(protected, driver))
    values = known[np.ix_(passive, model.written)]
    differing = model.written[(values != values[0]).any(axis=0)]
    result = known.copy()
    result[np.ix_(passive, differing)] = 0
    now, computed = known[driver].copy(), np.zeros(known.shape[1], np.bool_)
    now[model.written] = 0
    for block in model.blocks:
        now[[lane for head in block.heads for lane in head.moved]] = 0
        changes = mlp_changes(block, now)
        computed[list(changes.gated)] = True
        now = _after_mlp(changes, now)
    result[driver, computed & (now == 0)] = 0
    return result


def _attention(part: weights.Block, known: Known, driver: int, protected: Ints) -> Block:
    """The heads of a block; raises CompileError if a passive column is not left as it is."""
    block = Block([(head, view(head, known, driver)) for head in part.heads])
    taken: set[int] = set()
    for capture in _captures([block]):
        if taken & capture.touched:
            raise CompileError("two heads of a block write to the same lanes")
        taken |= capture.touched
    _check_passive(block, known, driver, protected)
    if any(column != driver for column in _busy_columns(part, known)):
        raise CompileError("an MLP may change passive columns")
    return block


def _check_passive(block: Block, known: Known, driver: int, protected: Ints) -> None:
    """Raise CompileError unless attention adds nothing to passive columns that are not captured."""
    if not block.heads:
        return
    found = np.stack([seen.found for _, seen in block.heads], axis=1)
    me = np.arange(len(known))[:, None]
    whom = np.where(found == me, -2, np.where(np.isin(found, [driver, *protected]), found, NOBODY))
    columns = np.delete(np.arange(len(known)), driver)
    if (whom[columns] == NOBODY).any():
        raise CompileError("passive columns find others that are not known to stay")
    for same in kinds(whom[columns]):
        members = columns[same]
        totals: dict[int, dict[tuple[int, int], float]] = {}
        for (head, _), kind in zip(block.heads, whom[members[0]].tolist(), strict=True):
            for lane, factors in head.moved.items():
                row = totals.setdefault(lane, {})
                for source, factor in factors.items():
                    row[kind, source] = row.get((kind, source), 0.0) + factor
        for row in totals.values():
            if not _silent(row, known, members):
                raise CompileError("attention changes passive columns in every pass")


def _silent(row: dict[tuple[int, int], float], known: Known, members: Ints) -> bool:
    """Whether a form over lanes of columns, or of one's own (a negative column), is always zero."""
    value = np.zeros(len(members))
    for (column, source), factor in row.items():
        if factor:
            lanes = known[members if column < 0 else column, source]
            if not np.all(lanes):
                return False
            value += factor * lanes
    return not value.any()


def _after_attention(block: Block, known: Known, driver: int) -> Known:
    """What is known of the driver after a block's attention."""
    now = known[driver]
    sums: dict[int, Affine] = {}
    loose: set[int] = set()
    for head, seen in block.heads:
        own = seen.own
        columns = np.array([own.column]) if isinstance(own, Find) else columns_of(own.table)
        sources = sorted({source for factors in head.moved.values() for source in factors})
        values = known[np.ix_(columns, np.array(sources))]
        same = (values != 0).all(axis=0) & (values == values[0]).all(axis=0)
        fixed = {s: int(v) for s, v, f in zip(sources, values[0], same, strict=True) if f}
        for lane, factors in head.moved.items():
            form = sums.setdefault(lane, Affine())
            for source, factor in factors.items():
                if columns.tolist() == [driver]:
                    form.add_lane(source, factor, now)
                elif source in fixed:
                    form.constant += factor * fixed[source]
                else:
                    loose.add(lane)
    result: Known = now.copy()
    for lane, form in sums.items():
        form.add_lane(lane, 1.0, now)
        result[lane] = 0 if lane in loose or form.bits else _as_known(form.constant)
    return result


def _after_mlp(changes: Changes, known: Known) -> Known:
    """What is known of a column after changes."""
    result = known.copy()
    for lane in {*changes.affine, *changes.gated}:
        form = Affine()
        form.add(changes.affine.get(lane, Affine()))
        form.add_lane(lane, 1.0, known)
        result[lane] = 0 if lane in changes.gated or form.bits else _as_known(form.constant)
    return result


def _as_known(value: float) -> int:
    if abs(value) != 1:
        raise CompileError(f"a lane becomes {value:g}: the model leaves the states of ±1")
    return int(value)
