"""Tables: a partially evaluated model as flat arrays, for the compiled passes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from looped.analysis.forms import Form
from looped.analysis.grid import Ints
from looped.analysis.kinds import Classes
from looped.analysis.model import Block, Model
from looped.analysis.restricted import RestrictedMlp, restrict_mlp
from looped.engines.event.banks import WORD, BankBuilder, Banks, Words, pack, padded

__all__ = [
    "DOWN",
    "GATES",
    "KEY",
    "LINEAR",
    "MARGIN",
    "OV",
    "PRODUCTS",
    "QUERY",
    "UPS",
    "Tables",
    "tabulate",
]

QUERY, KEY, OV, MARGIN = range(4)
PRODUCTS, GATES, UPS, LINEAR, DOWN = range(1, 6)


class Heads(NamedTuple):
    """Block b has the heads `first[b]` to `first[b + 1]`.

    `head[h]` has the numbers of the banks QUERY, KEY and OV of head h, and the MARGIN at which its
    softmax is one-hot. `mask[3 * h + i]` marks the lanes that its bank i reads.
    """

    first: Ints
    head: Ints
    mask: Words


class Mlps(NamedTuple):
    """Block b has MLPs from `first[b]` on, one for each class of columns. MLP m reads `mask[m]`.

    `mlp[m]` has the number of its bank, whose forms are gates, up projections and linear terms; the
    number of PRODUCTS (gates with an up projection, which come first) and of GATES; and where the
    UPS and the LINEAR terms begin. Its non-zero entries of W_down are those from `mlp[m, DOWN]` to
    `mlp[m, DOWN + 1]`: entry i adds `weight[i]` times unit `unit[i]` to sum `term[i]`.
    """

    first: Ints
    mlp: Words
    mask: Words
    unit: Words
    term: Words
    weight: npt.NDArray[np.int32]


class Targets(NamedTuple):
    """Sets of lanes to which sums are added: set b for the heads of block b, then one for each MLP.

    Set t has in packed word w the lanes `start[t, w]` to `start[t, w + 1]`, each at its `shift`.
    A sum that flips a lane is plus or minus `two[t]`, the integer that stands for 2.
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
        """How many places the sums of an MLP, or of the heads of a block, take at most."""
        lanes = (self.targets.start[:, -1] - self.targets.start[:, 0]).astype(np.int64)
        before = np.zeros(len(lanes), np.int64)
        before[len(lanes) - len(self.mlps.mlp) :] = self.mlps.mlp[:, LINEAR]
        return padded(int((before + lanes).max(initial=0)))


def tabulate(model: Model, classes: Classes) -> Tables:
    """A model as flat arrays, its MLPs partially evaluated for classes of columns."""
    restricted = [
        [_by_lanes_read(restrict_mlp(block, np.array(known, np.int64))) for known in own]
        for block, own in zip(model.blocks, classes, strict=True)
    ]
    width = len(model.written)
    written = [_written_by_heads(block, width) for block in model.blocks]
    builder = BankBuilder()
    heads = _heads(model, written, builder)
    mlps = _mlps(restricted, width, builder)
    sets = [(lanes, 2 * block.ov_one) for lanes, block in zip(written, model.blocks, strict=True)]
    for block, own in zip(model.blocks, restricted, strict=True):
        sets += [(mlp.lanes, 2 * block.down_one) for mlp in own]
    return Tables(builder.finish(), heads, mlps, _targets(sets, width))


def _by_lanes_read(mlp: RestrictedMlp) -> RestrictedMlp:
    """The same MLP with its units in another order: products, then ramps, each sorted by the first
    and the last lane that the gate reads. Neighbours then read the same lanes, so that the chunks
    of a bank are short."""
    reads = mlp.gate.matrix != 0
    first = reads.argmax(axis=1)
    last = reads.shape[1] - reads[:, ::-1].argmax(axis=1)
    is_ramp = np.arange(len(reads)) >= mlp.products
    order = np.lexsort([last, first, is_ramp])
    gate, up, products = mlp.gate, mlp.up, order[: mlp.products]
    return replace(
        mlp,
        gate=Form(gate.matrix[order], gate.constant[order]),
        up=Form(up.matrix[products], up.constant[products]),
        down=mlp.down[:, order],
    )


def _written_by_heads(block: Block, width: int) -> Ints:
    written = np.zeros(width, np.bool_)
    for head in block.heads:
        written |= head.writes
    return np.flatnonzero(written)


def _heads(model: Model, written: Sequence[Ints], builder: BankBuilder) -> Heads:
    width = len(model.written)
    heads = [
        (head.margin, head.query, head.key, head.w_ov[lanes])
        for block, lanes in zip(model.blocks, written, strict=True)
        for head in block.heads
    ]
    rows = [[*(builder.add(_plain(m)) for m in matrices), margin] for margin, *matrices in heads]
    return Heads(
        first=_starts(len(block.heads) for block in model.blocks),
        head=np.array(rows, np.int64).reshape(-1, MARGIN + 1),
        mask=_masks([matrix for _, *matrices in heads for matrix in matrices], width),
    )


def _mlps(by_block: Sequence[Sequence[RestrictedMlp]], width: int, builder: BankBuilder) -> Mlps:
    mlps = [mlp for own in by_block for mlp in own]
    rows, down, end = [], [np.zeros((0, 3), np.int64)], 0
    for mlp in mlps:
        gates, products = len(mlp.gate.matrix), mlp.products
        linear = padded(gates) + padded(products)
        down.append(_round_robin(mlp.down) + np.array([0, linear, 0]))
        begin, end = end, end + len(down[-1])
        bank = builder.add(mlp.gate, mlp.up, mlp.linear)
        rows.append((bank, products, gates, padded(gates), linear, begin, end))
    unit, term, weight = np.concatenate(down).T
    return Mlps(
        first=_starts(map(len, by_block)),
        mlp=np.array(rows, np.uint64).reshape(-1, DOWN + 2),
        mask=_masks([_rows(mlp) for mlp in mlps], width),
        unit=unit.astype(np.uint64),
        term=term.astype(np.uint64),
        weight=weight.astype(np.int32),
    )


def _rows(mlp: RestrictedMlp) -> Ints:
    return np.concatenate([form.matrix for form in (mlp.gate, mlp.up, mlp.linear)])


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
    """The non-zero entries of (lanes, units) as rows of unit, lane, weight, taking turns by lane.

    Consecutive additions then go to different sums, so that none waits for the one before.
    """
    lane, unit = np.nonzero(down)
    rank = np.arange(len(lane)) - np.searchsorted(lane, lane)
    turn = np.lexsort([lane, rank])
    return np.stack([unit[turn], lane[turn], down[lane, unit][turn]], axis=1)
