"""The weights as lists: what each head and each hidden unit reads and writes, lane by lane."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from looped.analysis import model as exact

__all__ = ["Block", "Floats", "Head", "HeadMap", "Ints", "Known", "Model", "Unit", "listed"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

Known = npt.NDArray[np.int8]
"""Per lane of a column: -1 or +1 if it is always that, 0 if it may be either."""

HeadMap = dict[int, dict[int, float]]
"""W_O·W_V of a head: for each lane that it adds to, factors of lanes of the column found."""

Weights = tuple[tuple[int, float], ...]
"""Lanes and their weights, those that are not zero."""


@dataclass(frozen=True, slots=True)
class Head:
    """`query` and `key` are (dims, d_model), in units in which scores are integers; one score
    lower than another by `gap` gets nothing from the softmax. `number` is its place in its block.
    """

    query: Floats
    key: Floats
    moved: HeadMap
    gap: int
    number: int


@dataclass(frozen=True, slots=True)
class Unit:
    """relu(gate)·up, added to lanes with the factors of `down`."""

    gate: Weights
    up: Weights
    down: Weights


@dataclass(frozen=True, slots=True)
class Block:
    """`seen` are the lanes that the units read."""

    heads: tuple[Head, ...]
    units: tuple[Unit, ...]
    seen: Ints


@dataclass(frozen=True, slots=True)
class Model:
    """All blocks; `written` are the lanes that some of them writes."""

    blocks: tuple[Block, ...]
    written: Ints


def listed(model: exact.Model) -> Model:
    """The lists of a model whose sums have been shown to be exact."""
    blocks = tuple(_block(block, model.order) for block in model.blocks)
    written = {lane for block in blocks for unit in block.units for lane, _ in unit.down}
    written |= {lane for block in blocks for head in block.heads for lane in head.moved}
    return Model(blocks, np.array(sorted(written), np.int64))


def _block(block: exact.Block, order: Ints) -> Block:
    unit = 2 / block.made_two
    rows = zip(block.gate, block.up, block.down.T, strict=True)
    units = tuple(
        Unit(_weights(gate, order), _weights(up, order), _weights(down * unit, order))
        for gate, up, down in rows
    )
    heads = tuple(_head(head, order, 2 / block.moved_two) for head in block.heads)
    seen = np.flatnonzero(block.gate.any(axis=0) | block.up.any(axis=0))
    return Block(heads, units, order[seen])


def _head(head: exact.Head, order: Ints, unit: float) -> Head:
    query, key = (np.zeros(matrix.shape) for matrix in (head.query, head.key))
    query[:, order], key[:, order] = head.query, head.key
    moved: HeadMap = {}
    for place in np.flatnonzero(head.moved.any(axis=1)):
        moved[int(order[place])] = dict(_weights(head.moved[place] * unit, order))
    return Head(query, key, moved, head.gap, head.number)


def _weights(row: npt.NDArray[np.generic], order: Ints) -> Weights:
    places = np.flatnonzero(row)
    lanes, weights = order[places].tolist(), row[places].astype(float).tolist()
    return tuple(sorted(zip(lanes, weights, strict=True)))
