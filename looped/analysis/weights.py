"""The matrices of a block, by their names in `looped.nn.model`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from looped.artefact.stored_weights import Arrays, arrays_of

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["BlockWeights", "HeadWeights", "block_weights", "largest_score", "with_units"]

M = TypeVar("M", "Tensor", "npt.NDArray[Any]")


@dataclass(frozen=True, slots=True)
class HeadWeights(Generic[M]):
    """One head: `w_q`, `w_k` and `w_v` are (d_head, d_model), `w_o` is (d_model, d_head)."""

    w_q: M
    w_k: M
    w_v: M
    w_o: M


@dataclass(frozen=True, slots=True)
class BlockWeights(Generic[M]):
    """One block. `heads` includes idle heads; `w_gate` and `w_up` are (d_ff, d_model), `w_down` is
    (d_model, d_ff)."""

    heads: tuple[HeadWeights[M], ...]
    w_gate: M
    w_up: M
    w_down: M


def block_weights(weights: Mapping[str, M], block: int, d_head: int) -> BlockWeights[M]:
    """The matrices of one block; W_Q, W_K, W_V and W_O cut into heads of `d_head` dimensions.

    They are views of the weights: tensors of tensors, arrays of arrays.
    """
    q, k, v, o = (weights[f"layers.{block}.self_attn.{n}_proj.weight"] for n in "qkvo")
    gate, up, down = (
        weights[f"layers.{block}.mlp.{n}_proj.weight"] for n in ("gate", "up", "down")
    )
    own = [slice(first, first + d_head) for first in range(0, len(q), d_head)]
    heads = tuple(HeadWeights(q[d], k[d], v[d], o[:, d]) for d in own)
    return BlockWeights(heads, gate, up, down)


def with_units(weights: Mapping[str, Tensor], count: int) -> dict[str, Tensor]:
    """A copy of all weights; each block gets `count` more hidden units, its last ones, all zero."""
    from torch.nn.functional import pad

    copy = {name: weight.clone() for name, weight in weights.items()}
    for name, weight in weights.items():
        if name.endswith(".mlp.down_proj.weight"):
            copy[name] = pad(weight, (0, count))
        elif ".mlp." in name:
            copy[name] = pad(weight, (0, 0, 0, count))
    return copy


def largest_score(weights: Mapping[str, Tensor] | Arrays, blocks: int, d_head: int) -> float:
    """A bound on the scores of all heads over ±1 lanes, after scaling by 1/√d_head."""
    arrays = arrays_of(weights)
    heads = (head for b in range(blocks) for head in block_weights(arrays, b, d_head).heads)
    return max(map(_score_bound, heads), default=0.0) / math.sqrt(d_head)


def _score_bound(head: HeadWeights[npt.NDArray[Any]]) -> float:
    """A bound on the magnitude of q·k over ±1 lanes, before scaling by 1/√d_head."""
    query, key = (np.abs(w.astype(np.float64)).sum(axis=1) for w in (head.w_q, head.w_k))
    return float((query * key).sum())
