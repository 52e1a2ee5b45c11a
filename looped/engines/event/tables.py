"""Tables: a partially evaluated model as flat arrays, for the compiled pass."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from looped.analysis.model import Block, Ints, Model
from looped.analysis.restricted import Form, Reduced, reduce_mlp
from looped.engines.event.banks import WORD, BankBuilder, Banks, Words, pack, padded

__all__ = [
    "DOWN",
    "GAP",
    "GATES",
    "KEY",
    "LINEAR",
    "MOVED",
    "PRODUCTS",
    "QUERY",
    "UPS",
    "Classes",
    "Tables",
    "tabulate",
]

QUERY, KEY, MOVED, GAP = range(4)
PRODUCTS, GATES, UPS, LINEAR, DOWN = range(1, 6)

Classes = tuple[tuple[tuple[int, ...], ...], ...]
"""For every block the classes of columns that its MLP tells apart, each with its known lanes."""


class Heads(NamedTuple):
    """Block b has the heads `first[b]` to `first[b + 1]`. `head[h]` has a head's banks QUERY, KEY
    and MOVED, and the certain GAP of its scores; `mask[3 * h + i]` are the lanes that they read.
    """

    first: Ints
    head: Ints
    mask: Words


class Mlps(NamedTuple):
    """Block b has MLPs from `first[b]` on, one for each class of columns. MLP m reads `mask[m]`.

    `mlp[m]` has its bank, of gates, up projections and linear terms; how many PRODUCTS there are
    (gates with an up projection, which come first), how many GATES, and where UPS and LINEAR terms
    begin. From DOWN to DOWN + 1 lie the non-zeros of W_down: `weight`, from `unit`, to `term`.
    """

    first: Ints
    mlp: Words
    mask: Words
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
        """The room that the sums of any MLP or block of heads take."""
        lanes = (self.targets.start[:, -1] - self.targets.start[:, 0]).astype(np.int64)
        before = np.zeros(len(lanes), np.int64)
        before[len(lanes) - len(self.mlps.mlp) :] = self.mlps.mlp[:, LINEAR]
        return padded(int((before + lanes).max(initial=0)))


def tabulate(model: Model, classes: Classes) -> Tables:
    """Flat arrays of a model, partially evaluated for classes of columns."""
    reduced = [
        [reduce_mlp(block, np.array(known, np.int64)) for known in own]
        for block, own in zip(model.blocks, classes, strict=True)
    ]
    moved = [_moved_lanes(block, len(model.order)) for block in model.blocks]
    builder = BankBuilder()
    heads = _heads(model, moved, builder)
    mlps = _mlps(reduced, len(model.order), builder)
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
    rows = [[*(builder.add(_plain(m)) for m in matrices), gap] for gap, *matrices in heads]
    return Heads(
        first=_starts(len(block.heads) for block in model.blocks),
        head=np.array(rows, np.int64).reshape(-1, GAP + 1),
        mask=_masks([matrix for _, *matrices in heads for matrix in matrices], width),
    )


def _mlps(by_block: Sequence[Sequence[Reduced]], width: int, builder: BankBuilder) -> Mlps:
    mlps = [mlp for own in by_block for mlp in own]
    rows, down, end = [], [np.zeros((0, 3), np.int64)], 0
    for mlp in mlps:
        gates, products = len(mlp.gate.matrix), len(mlp.up.matrix)
        linear = padded(gates) + padded(products)
        down.append(_round_robin(mlp.down) + np.array([0, linear, 0]))
        begin, end = end, end + len(down[-1])
        bank = builder.add(mlp.gate, mlp.up, mlp.linear)
        rows.append((bank, products, gates, padded(gates), linear, begin, end))
    unit, term, weight = np.concatenate(down).T
    return Mlps(
        first=_starts(map(len, by_block)),
        mlp=np.array(rows, np.uint64).reshape(-1, DOWN + 2),
        mask=_masks([np.concatenate([form.matrix for form in mlp[:3]]) for mlp in mlps], width),
        unit=unit.astype(np.uint64),
        term=term.astype(np.uint64),
        weight=weight.astype(np.int32),
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
