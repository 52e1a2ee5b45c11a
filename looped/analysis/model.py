"""Model: the weights as integers, block by block; lanes are those of the residual stream."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from looped.analysis.grid import Ints
from looped.precision import Precision

__all__ = ["Block", "Head", "Model"]


@dataclass(frozen=True, slots=True)
class Head:
    """A head: rows of `query` and `key` (dims, d_model), and `w_ov` = W_O W_V (d_model, d_model).

    `margin` is the least difference of two scores, in their integer units, at which the softmax
    gives the lower one no weight. `number` is the head's place in its block.
    """

    query: Ints
    key: Ints
    w_ov: Ints
    margin: int
    number: int

    @property
    def reads(self) -> npt.NDArray[np.bool_]:
        """The lanes of the attended column that the output depends on, (d_model,)."""
        return np.asarray(self.w_ov.any(axis=0))

    @property
    def writes(self) -> npt.NDArray[np.bool_]:
        """The lanes that the output is added to, (d_model,)."""
        return np.asarray(self.w_ov.any(axis=1))


@dataclass(frozen=True, slots=True)
class Block:
    """A block without its idle heads and without hidden units that are always zero.

    `gate` and `up` are (units, d_model), `down` is (d_model, units). The integer `ov_one` stands
    for 1 in the output of the heads, `down_one` in the output of the MLP.
    """

    heads: tuple[Head, ...]
    ov_one: int
    gate: Ints
    up: Ints
    down: Ints
    down_one: int

    @property
    def mlp_reads(self) -> npt.NDArray[np.bool_]:
        """The lanes that some hidden unit reads, (d_model,)."""
        return np.asarray(self.gate.any(axis=0) | self.up.any(axis=0))


@dataclass(frozen=True, slots=True)
class Model:
    """All blocks. `written` (d_model,) marks the lanes that some matrix writes to; the others are
    static. All sums are exact in `precision`, except those of hidden units, which
    `check_hidden_sums` checks for given columns."""

    blocks: tuple[Block, ...]
    written: npt.NDArray[np.bool_]
    precision: Precision
