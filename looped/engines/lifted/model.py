"""The model as the lifter reads it: the outputs of heads as sparse rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from looped import analysis
from looped.analysis.grid import Floats, Ints

__all__ = ["Block", "Head", "Known", "Model", "OvRows", "sparse"]

Known = npt.NDArray[np.int8]
"""For each lane of a column: -1 or +1 if it always has this value, 0 if it may have either."""

OvRows = dict[int, dict[int, float]]
"""W_O W_V of a head: for each lane that it adds to, factors of lanes of the attended column."""


@dataclass(frozen=True, slots=True)
class Head:
    """A head. `query` and `key` are (dims, d_model), in units in which scores are integers.

    A score that is lower than another one by `margin` gets no weight from the softmax. `number` is
    the head's place in its block.
    """

    query: Floats
    key: Floats
    w_ov: OvRows
    margin: int
    number: int

    @property
    def sources(self) -> list[int]:
        """The lanes of the attended column that the output depends on."""
        return sorted({source for factors in self.w_ov.values() for source in factors})


@dataclass(frozen=True, slots=True)
class Block:
    """The heads of a block, and `mlp`, the block with its hidden units."""

    heads: tuple[Head, ...]
    mlp: analysis.Block


@dataclass(frozen=True, slots=True)
class Model:
    """All blocks; `written` lists the lanes that some block writes to."""

    blocks: tuple[Block, ...]
    written: Ints


def sparse(model: analysis.Model) -> Model:
    """The same model with sparse rows; its sums are exact."""
    blocks = tuple(
        Block(tuple(_head(head, block.ov_one) for head in block.heads), block)
        for block in model.blocks
    )
    return Model(blocks, np.flatnonzero(model.written))


def _head(head: analysis.Head, one: int) -> Head:
    w_ov: OvRows = {}
    for lane in np.flatnonzero(head.writes).tolist():
        sources = np.flatnonzero(head.w_ov[lane])
        factors = (head.w_ov[lane, sources] / one).tolist()
        w_ov[lane] = dict(zip(sources.tolist(), factors, strict=True))
    query, key = head.query.astype(np.float64), head.key.astype(np.float64)
    return Head(query, key, w_ov, head.margin, head.number)
