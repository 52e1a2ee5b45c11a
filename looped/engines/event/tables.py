"""Tables: a partially evaluated model as flat arrays, for the compiled pass."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from looped.engines.event.banks import WORD, BankBuilder, Banks, Words, pack, padded
from looped.engines.event.exact import Block, Ints, Model
from looped.engines.event.partial import Form, Reduced, reduce_mlp

__all__ = ["KEY", "MOVED", "QUERY", "Classes", "Heads", "Mlps", "Tables", "Targets", "tabulate"]

QUERY, KEY, MOVED = 0, 1, 2

Classes = tuple[tuple[tuple[int, ...], ...], ...]
"""For every block the classes of columns that its MLP tells apart, each with its known lanes."""


class Heads(NamedTuple):
    """Block b has the heads `first[b]` to `first[b + 1]`. For QUERY, KEY and MOVED, head h has the
    banks `bank[h]` and reads the lanes `mask[h]`; `gap[h]` is the certain distance of its scores.
    """

    first: Ints
    bank: Ints
    mask: Words
    gap: Ints


class Mlps(NamedTuple):
    """Block b has MLPs from `first[b]` on, one for each class of columns.

    MLP m reads the lanes `mask[m]`. Its bank `bank[m]` has gates, up projections and linear terms:
    `units[m]` says how many gates have an up projection, how many gates there are, and where up
    projections and linear terms begin. From `down[m]` to `down[m + 1]` lie the non-zeros of W_down:
    `weight`, from `unit`, to the linear term `term`.
    """

    first: Ints
    mask: Words
    bank: Ints
    units: Words
    down: Words
    unit: Words
    term: Words
    weight: npt.NDArray[np.int32]


class Targets(NamedTuple):
    """Sets of lanes to which sums are added: set b for the heads of block b, then one for each MLP.

    Set t has in packed word w the lanes `start[t, w]` to `start[t, w + 1]`, at bit `shift`; in its
    sums the number 2 is `two[t]`.
    """

    start: Words
    shift: Words
    two: npt.NDArray[np.int32]


class Tables(NamedTuple):
    """All that a pass needs to know of a model."""

    banks: Banks
    heads: Heads
    mlps: Mlps
    targets: Targets

    @property
    def widest(self) -> int:
        """The room that the sums of any bank or target set take."""
        chunk, start = self.banks.chunk, self.targets.start
        forms = (chunk[:, 3] + chunk[:, 4]).max(initial=0)
        return padded(int(max(forms, (start[:, -1] - start[:, 0]).max(initial=0))) + 1)


def tabulate(model: Model, classes: Classes) -> Tables:
    """Flat arrays of a model, partially evaluated for classes of columns."""
    reduced = [
        [reduce_mlp(block, np.array(known, np.int64)) for known in own]
        for block, own in zip(model.blocks, classes, strict=True)
    ]
    moved = [_moved_lanes(block, len(model.order)) for block in model.blocks]
    builder = BankBuilder()
    heads = _heads(model, moved, builder)
    mlps = _mlps([mlp for own in reduced for mlp in own], reduced, builder)
    sets = [(lanes, block.moved_two) for lanes, block in zip(moved, model.blocks, strict=True)]
    for block, own in zip(model.blocks, reduced, strict=True):
        sets += [(mlp.lanes, block.made_two) for mlp in own]
    return Tables(builder.finish(), heads, mlps, _targets(sets, len(model.order)))


def _moved_lanes(block: Block, width: int) -> Ints:
    moved = np.zeros(width, np.bool_)
    for head in block.heads:
        moved |= head.moved.any(axis=1)
    return np.flatnonzero(moved)


def _heads(model: Model, moved: Sequence[Ints], builder: BankBuilder) -> Heads:
    width = len(model.order)
    heads = [
        (head.gap, head.query, head.key, head.moved[lanes])
        for block, lanes in zip(model.blocks, moved, strict=True)
        for head in block.heads
    ]
    banks = [[builder.add(_plain(matrix)) for matrix in matrices] for _, *matrices in heads]
    masks = [_masks(matrices, width) for _, *matrices in heads]
    return Heads(
        first=_starts(len(block.heads) for block in model.blocks),
        bank=np.array(banks, np.int64).reshape(-1, 3),
        mask=np.array(masks, np.uint64).reshape(-1, 3, -(-width // WORD)),
        gap=np.array([gap for gap, *_ in heads], np.int64),
    )


def _mlps(
    mlps: Sequence[Reduced], by_block: Sequence[Sequence[Reduced]], builder: BankBuilder
) -> Mlps:
    units, down = [], []
    for mlp in mlps:
        gates, products = len(mlp.gate.matrix), len(mlp.up.matrix)
        terms = padded(gates) + padded(products)
        units.append((products, gates, padded(gates), terms))
        down.append(_round_robin(mlp.down) + np.array([0, terms, 0]))
    entries = np.concatenate(down)
    reads = [np.concatenate([form.matrix for form in mlp[:3]]) for mlp in mlps]
    return Mlps(
        first=_starts(map(len, by_block)),
        mask=_masks(reads, reads[0].shape[1]),
        bank=np.array([builder.add(mlp.gate, mlp.up, mlp.linear) for mlp in mlps], np.int64),
        units=np.array(units, np.uint64),
        down=_starts(map(len, down)).astype(np.uint64),
        unit=entries[:, 0].astype(np.uint64),
        term=entries[:, 1].astype(np.uint64),
        weight=entries[:, 2].astype(np.int32),
    )


def _targets(sets: Sequence[tuple[Ints, int]], width: int) -> Targets:
    bounds = np.arange(-(-width // WORD) + 1) * WORD
    offsets = _starts(len(lanes) for lanes, _ in sets)
    starts = [
        np.searchsorted(lanes, bounds) + offset
        for (lanes, _), offset in zip(sets, offsets, strict=False)
    ]
    return Targets(
        start=np.array(starts, np.uint64),
        shift=(np.concatenate([lanes for lanes, _ in sets]) % WORD).astype(np.uint64),
        two=np.array([two for _, two in sets], np.int32),
    )


def _plain(matrix: Ints) -> Form:
    return Form(matrix, np.zeros(len(matrix), np.int64))


def _masks(matrices: Sequence[Ints], width: int) -> Words:
    """The lanes that each matrix reads, packed: (matrices, words)."""
    read = [matrix.any(axis=0) for matrix in matrices]
    return pack(np.array(read, np.bool_).reshape(-1, width))


def _starts(counts: Iterable[int]) -> Ints:
    return np.cumsum([0, *counts], dtype=np.int64)


def _round_robin(down: Ints) -> Ints:
    """Non-zeros of (lanes, units) as rows of unit, lane, weight: one of every lane, then the next.

    (Additions that follow one another then go to different sums and need not wait.)
    """
    lane, unit = np.nonzero(down)
    rank = np.arange(len(lane)) - np.searchsorted(lane, lane)
    turn = np.lexsort([lane, rank])
    return np.stack([unit[turn], lane[turn], down[lane, unit][turn]], axis=1)
