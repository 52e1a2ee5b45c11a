"""The order of lanes in packed words: lanes that the same matrices read lie side by side.

A chunk of a bank covers neighbouring lanes, so a bank whose lanes are close needs few chunks.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from looped.analysis.grid import Ints
from looped.analysis.model import Block, Model

__all__ = ["lane_order", "reordered"]


def lane_order(model: Model) -> Ints:
    """Lanes sorted by which matrices read them, static ones last, ties by how many units read them.

    Place i of the packed words holds lane `order[i]`.
    """
    readers = [model.written]
    for block in model.blocks:
        readers.append(block.mlp_reads)
        for head in block.heads:
            readers += [np.asarray(head.query.any(axis=0)), np.asarray(head.key.any(axis=0))]
            readers.append(head.reads)
    units = sum(((block.gate != 0).sum(axis=0) for block in model.blocks), 0 * model.written)
    return np.lexsort([-units, *(~reads for reads in reversed(readers))]).astype(np.int64)


def reordered(model: Model, order: Ints) -> Model:
    """The same model with its lanes in this order."""
    blocks = tuple(_reordered(block, order) for block in model.blocks)
    return replace(model, blocks=blocks, written=model.written[order])


def _reordered(block: Block, order: Ints) -> Block:
    heads = tuple(
        replace(
            head,
            query=head.query[:, order],
            key=head.key[:, order],
            w_ov=head.w_ov[np.ix_(order, order)],
        )
        for head in block.heads
    )
    gate, up, down = block.gate[:, order], block.up[:, order], block.down[order]
    return replace(block, heads=heads, gate=gate, up=up, down=down)
