"""Weight tensors to integer matrices; a model whose sums are not exact is refused.

`analyse` accepts a model only if RMSNorm is the identity on its states and every sum over ±1 lanes
is a multiple of a power of two, and small enough that the format holds it in any order of
summation. Divided by these powers the weights are integers with the same sums as the dense model.

A zero must be zero in the format, not only in the reals. So a head is idle if each of its inner
dimensions has no value or no output. A head whose `W_O W_V` cancels is not idle: if its softmax is
not one-hot, the products are rounded before they cancel.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from looped.analysis.exactness import (
    check_attention,
    check_mlp,
    check_norms,
    check_range,
    check_sum,
    check_weights,
    score_error,
)
from looped.analysis.grid import Floats, Ints, grid, integers
from looped.analysis.model import Block, Head, Model
from looped.analysis.weights import BlockWeights, HeadWeights, block_weights
from looped.artefact.stored_weights import Arrays, arrays_of
from looped.precision import Precision

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["analyse", "hidden_units"]


def analyse(
    weights: Mapping[str, Tensor] | Arrays, blocks: int, d_head: int, precision: Precision
) -> Model:
    """The integer matrices of a model that runs in the format `precision`.

    Raises CompileError if its sums are not exact in that format. Sums of hidden units depend on the
    content of columns: `hidden_sums.check_hidden_sums` checks those.
    """
    arrays = arrays_of(weights)
    check_weights(arrays, precision)
    check_norms(arrays, precision)
    width = len(arrays["norm.weight"])
    found = tuple(
        _block(block, block_weights(arrays, block, d_head), d_head, precision)
        for block in range(blocks)
    )
    written = np.zeros(width, np.bool_)
    for block in found:
        written |= block.down.any(axis=1)
        for head in block.heads:
            written |= head.writes
    return Model(found, written, precision)


class _HeadRows(NamedTuple):
    """A head's matrices as doubles, and their product `w_ov`."""

    query: Floats
    key: Floats
    value: Floats
    out: Floats
    w_ov: Floats

    @classmethod
    def of(cls, head: HeadWeights[npt.NDArray[Any]]) -> _HeadRows:
        query, key, value, out = map(_doubles, (head.w_q, head.w_k, head.w_v, head.w_o))
        return cls(query, key, value, out, out @ value)

    @property
    def idle(self) -> bool:
        """Whether each dimension has no value or no output: the head adds exactly zero."""
        return not (self.out.any(axis=0) & self.value.any(axis=1)).any()


def _doubles(weight: npt.NDArray[Any]) -> Floats:
    return weight.astype(np.float64)


def _block(
    number: int, weights: BlockWeights[npt.NDArray[Any]], d_head: int, precision: Precision
) -> Block:
    heads = [_HeadRows.of(head) for head in weights.heads]
    value = np.concatenate([head.value for head in heads])
    check_attention(number, value, np.concatenate([h.out for h in heads], axis=1), precision)
    unit = min([1.0, *(grid(head.w_ov) for head in heads)])
    used = tuple(
        _head(number, place, head, unit, precision)
        for place, head in enumerate(heads)
        if not head.idle
    )
    for head in heads:
        check_range(f"scores of block {number}", head.query, head.key * d_head**-0.5, precision)
    gate, up, down = map(_doubles, (weights.w_gate, weights.w_up, weights.w_down))
    check_mlp(number, gate, up, down, precision)
    return Block(used, round(1 / unit), *hidden_units(gate, up, down))


def _head(block: int, number: int, head: _HeadRows, ov_unit: float, precision: Precision) -> Head:
    d_head = len(head.query)
    used = np.flatnonzero(head.query.any(axis=1) & head.key.any(axis=1))
    query, key = head.query[used], head.key[used]
    scale = d_head**-0.5
    unit = grid(query) * grid(key) * scale
    bound = float((np.abs(query).sum(axis=1) * np.abs(key).sum(axis=1)).sum()) * scale
    check_sum(f"scores of block {block}", bound, unit, precision)
    scaled_margin = precision.underflow + score_error(block, bound, len(used), d_head, precision)
    return Head(
        integers(query, grid(query)),
        integers(key, grid(key)),
        integers(head.w_ov, ov_unit),
        math.ceil(scaled_margin / unit),
        number,
    )


def hidden_units(gate: Floats, up: Floats, down: Floats) -> tuple[Ints, Ints, Ints, int]:
    """The hidden units that are not always zero, as integers: `gate`, `up`, `down`, `down_one`.

    Each row of `gate` and `up` has a unit of its own; `down` contains the factors for it.
    """
    live = np.flatnonzero(gate.any(axis=1) & up.any(axis=1) & down.any(axis=0))
    gate, up, down = gate[live], up[live], down[:, live]
    gate_unit = np.array([grid(row) for row in gate])
    up_unit = np.array([grid(row) for row in up])
    down = down * (gate_unit * up_unit)
    unit = min(1.0, grid(down))
    return (
        integers(gate, gate_unit[:, None]),
        integers(up, up_unit[:, None]),
        integers(down, unit),
        round(1 / unit),
    )
