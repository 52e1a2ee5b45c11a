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

from looped.engines.lifted.heads import (
    Capture,
    Find,
    HeadMap,
    Lookup,
    View,
    columns_of,
    head_map,
    view,
)
from looped.engines.lifted.keys import Ints, kinds
from looped.engines.lifted.sparse import SparseModel
from looped.engines.lifted.terms import Affine, Changes, Known, mlp_changes
from looped.errors import CompileError

__all__ = ["Behaviour", "Block", "behaviour"]


@dataclass
class Block:
    """One block: what the driver finds, whom it captures, and what its MLP adds to it."""

    finds: list[Find] = field(default_factory=list)
    lookups: list[Lookup] = field(default_factory=list)
    captures: list[Capture] = field(default_factory=list)
    changes: Changes = field(default_factory=Changes)


@dataclass(frozen=True)
class Behaviour:
    """`known` (columns, d_model) between passes, all blocks, and W_O·W_V of every head."""

    driver: int
    known: Known
    blocks: list[Block]
    maps: list[HeadMap]


def behaviour(model: SparseModel, x: Known, host: npt.NDArray[np.bool_]) -> Behaviour:
    """Analyse a model on states that are `x` (columns, d_model) where they never change.

    `host` marks lanes that are set from outside and so are never known. Raises CompileError.
    """
    maps = [head_map(model, head) for head in range(len(model.dims) - 1)]
    known = np.where(host, 0, x).astype(np.int8)
    driver = _find_driver(model, known)
    known = _first_guess(model, maps, known, driver)
    while True:
        assumed = known.copy()
        blocks = []
        for number in range(model.blocks):
            block = _attention(model, number, maps, known, driver)
            between = _after_attention(block, maps, known, driver)
            block.changes = mlp_changes(model, number, between)
            known[driver] = _after_mlp(block.changes, between)
            blocks.append(block)
        known[driver] = np.where(known[driver] == assumed[driver], assumed[driver], 0)
        for capture in (capture for block in blocks for capture in block.captures):
            lanes = np.array(sorted(capture.touched))
            known[np.ix_(columns_of(capture.table), lanes)] = 0
        if (known == assumed).all():
            return Behaviour(driver, known, blocks, maps)


def _find_driver(model: SparseModel, known: Known) -> int:
    """The one column in which some MLP adds something."""
    busy: set[int] = set()
    for block in range(model.blocks):
        busy.update(_busy_columns(model, block, known))
        if len(busy) > 1:
            raise CompileError("several columns compute: only models with one can be lifted")
    if not busy:
        raise CompileError("no column computes anything: there is nothing to lift")
    return busy.pop()


def _busy_columns(model: SparseModel, block: int, known: Known) -> list[int]:
    """Columns in which an MLP may add something; of each kind of columns, two at most."""
    own = slice(model.seen.start[block], model.seen.start[block + 1])
    found: list[int] = []
    for members in kinds(known[:, model.seen.lane[own]]):
        changes = mlp_changes(model, block, known[members[0]])
        if changes.gated or any(f.constant or f.bits for f in changes.affine.values()):
            found += members[:2].tolist()
    return found


def _first_guess(model: SparseModel, maps: list[HeadMap], known: Known, driver: int) -> Known:
    """Some lanes are taken for unknown from the start: a guess that is too bold may lead astray.

    They are those written somewhere in which passive columns differ, and those that the driver's
    MLPs compute from others and do not clear, whatever its lanes are.
    """
    written = np.unique(np.concatenate([model.out.lane, model.down.lane]))
    passive = np.arange(len(known)) != driver
    values = known[np.ix_(passive, written)]
    differing = written[(values != values[0]).any(axis=0)]
    result = known.copy()
    result[np.ix_(passive, differing)] = 0
    now, computed = known[driver].copy(), np.zeros(known.shape[1], np.bool_)
    now[written] = 0
    for block in range(model.blocks):
        for head in range(model.heads[block], model.heads[block + 1]):
            now[list(maps[head])] = 0
        changes = mlp_changes(model, block, now)
        computed[list(changes.gated)] = True
        now = _after_mlp(changes, now)
    result[driver, computed & (now == 0)] = 0
    return result


def _attention(
    model: SparseModel, number: int, maps: list[HeadMap], known: Known, driver: int
) -> Block:
    """The heads of a block; raises CompileError if a passive column is not left as it is."""
    block = Block()
    heads = range(model.heads[number], model.heads[number + 1])
    views = [view(model, head, maps[head], known, driver) for head in heads]
    for seen in views:
        if isinstance(seen.own, Find):
            block.finds.append(seen.own)
        else:
            block.lookups.append(seen.own)
        if seen.capture is not None:
            block.captures.append(seen.capture)
    _check_captures(block.captures)
    _check_passive(views, maps, known, driver)
    if any(column != driver for column in _busy_columns(model, number, known)):
        raise CompileError(f"the MLP of block {number} may change other columns as well")
    return block


def _check_captures(captures: list[Capture]) -> None:
    """Raise CompileError if two heads of a block may write to the same lane of a column."""
    taken: set[int] = set()
    for capture in captures:
        if taken & capture.touched:
            raise CompileError("two heads of a block write to the same lanes")
        taken |= capture.touched


def _check_passive(views: list[View], maps: list[HeadMap], known: Known, driver: int) -> None:
    """Raise CompileError unless attention adds nothing to passive columns that are not captured."""
    if not views:
        return
    me = np.arange(len(known))
    own, other = 0, 2
    whom = np.stack(
        [np.where(v.found == me, own, np.where(v.found == driver, 1, other)) for v in views], axis=1
    )
    columns = np.flatnonzero(me != driver)
    if (whom[columns] == other).any():
        raise CompileError("a passive column finds another passive one")
    for same in kinds(whom[columns]):
        members = columns[same]
        total: dict[int, dict[tuple[int, int], float]] = {}
        for seen, kind in zip(views, whom[members[0]].tolist(), strict=True):
            for lane, factors in maps[seen.own.head].items():
                row = total.setdefault(lane, {})
                for source, factor in factors.items():
                    row[kind, source] = row.get((kind, source), 0.0) + factor
        for row in total.values():
            if not _silent(row, known, members, driver):
                raise CompileError("attention changes passive columns in every pass")


def _silent(row: dict[tuple[int, int], float], known: Known, members: Ints, driver: int) -> bool:
    """Whether a form over own lanes (0) and the driver's (1) is zero in all these columns."""
    value = np.zeros(len(members))
    for (kind, source), factor in row.items():
        if factor:
            lanes = known[members, source] if kind == 0 else known[driver, source]
            if (lanes == 0).any():
                return False
            value += factor * lanes
    return not value.any()


def _after_attention(block: Block, maps: list[HeadMap], known: Known, driver: int) -> Known:
    """What is known of the driver after a block's attention."""
    now = known[driver]
    sums: dict[int, Affine] = {}
    loose: set[int] = set()
    found = [(find.head, np.array([find.column])) for find in block.finds]
    found += [(lookup.head, columns_of(lookup.table)) for lookup in block.lookups]
    for head, columns in found:
        sources = sorted({source for factors in maps[head].values() for source in factors})
        values = known[np.ix_(columns, np.array(sources))]
        same = (values != 0).all(axis=0) & (values == values[0]).all(axis=0)
        fixed = {s: int(v) for s, v, f in zip(sources, values[0], same, strict=True) if f}
        for lane, factors in maps[head].items():
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
