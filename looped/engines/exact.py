"""Weight tensors as integer matrices, and the proof that their sums are exact.

Nothing is known here but tensors: no lane has a name, no column a meaning. A model is taken on only
if its norms have unit gain (on ±1 states RMSNorm is then the identity) and if every sum over ±1
lanes is a multiple of a power of two, so small that float32 holds it in any order of summation.
Divided by these powers, the weights are integers, and the sums are those of the dense model.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from torch import Tensor

from looped.errors import CompileError

__all__ = ["MANTISSA", "Block", "Head", "Ints", "Model", "analyse"]

MANTISSA = 24
"""Bits of a float32 mantissa: integers below 2^24 are exact."""

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class Head(NamedTuple):
    """A head: rows of `query` and `key` (dims, d_model), and `moved` = W_O W_V (d_model, d_model).

    `gap` is the least difference of two scores, in their integer units, at which the softmax
    gives the lower one nothing.
    """

    query: Ints
    key: Ints
    moved: Ints
    gap: int


class Block(NamedTuple):
    """A block; heads whose output is always zero and units that are always zero are left out.

    `gate` and `up` are (units, d_model), `down` (d_model, units). What 2 is in the integer units
    of the heads' sums is `moved_two`, in those of the MLP's `made_two`.
    """

    heads: tuple[Head, ...]
    moved_two: int
    gate: Ints
    up: Ints
    down: Ints
    made_two: int


class Model(NamedTuple):
    """All blocks. Their lanes are put into an order of our own: place i holds lane `order[i]`.

    Lanes that are read by the same matrices lie side by side. `static` (d_model,) says of which
    places no matrix ever writes to the lane.
    """

    blocks: tuple[Block, ...]
    order: Ints
    static: npt.NDArray[np.bool_]


def analyse(weights: Mapping[str, Tensor], blocks: int, d_head: int, underflow: float) -> Model:
    """The integer matrices of a model.

    `underflow` is the difference of two scores at which softmax is one-hot. Raises CompileError if
    the model's sums are not exact in float32.
    """
    arrays = {name: w.detach().cpu().double().numpy() for name, w in weights.items()}
    _check_norms(arrays)
    found = [_block(arrays, block, d_head, underflow) for block in range(blocks)]
    width = len(arrays["norm.weight"])
    written = np.zeros(width, np.bool_)
    for block in found:
        written |= block.down.any(axis=1)
        for head in block.heads:
            written |= head.moved.any(axis=1)
    order = _order(found, written)
    return Model(tuple(_reordered(block, order) for block in found), order, ~written[order])


def _block(arrays: Mapping[str, Floats], block: int, d_head: int, underflow: float) -> Block:
    q, k, v, o = (arrays[f"layers.{block}.self_attn.{n}_proj.weight"] for n in "qkvo")
    gate, up, down = (arrays[f"layers.{block}.mlp.{n}_proj.weight"] for n in ("gate", "up", "down"))
    _check_moved(block, v, o)
    parts = [slice(first, first + d_head) for first in range(0, len(q), d_head)]
    moved = [o[:, own] @ v[own] for own in parts]
    unit = min(2.0, *(_grid(m) for m in moved)) if moved else 2.0
    heads = [
        _head(block, q[own] / d_head**0.5, k[own], m / unit, underflow)
        for own, m in zip(parts, moved, strict=True)
        if m.any()
    ]
    _check_mlp(block, gate, up, down)
    return Block(tuple(heads), round(2 / unit), *_units(gate, up, down))


def _head(block: int, query: Floats, key: Floats, moved: Floats, underflow: float) -> Head:
    used = np.flatnonzero(query.any(axis=1) & key.any(axis=1))
    query, key = query[used], key[used]
    unit = _grid(query) * _grid(key)
    bound = float((np.abs(query).sum(axis=1) * np.abs(key).sum(axis=1)).sum())
    _check(f"scores of block {block}", bound, unit)
    return Head(
        _integers(query / _grid(query)),
        _integers(key / _grid(key)),
        _integers(moved),
        math.ceil(underflow / unit),
    )


def _units(gate: Floats, up: Floats, down: Floats) -> tuple[Ints, Ints, Ints, int]:
    """Hidden units as integers: each in units of its own, and down projections that undo them."""
    live = np.flatnonzero(gate.any(axis=1) & up.any(axis=1) & down.any(axis=0))
    gate, up, down = gate[live], up[live], down[:, live]
    gate_unit = np.array([_grid(row) for row in gate])
    up_unit = np.array([_grid(row) for row in up])
    down = down * (gate_unit * up_unit)
    unit = min(2.0, _grid(down))
    return (
        _integers(gate / gate_unit[:, None]),
        _integers(up / up_unit[:, None]),
        _integers(down / unit),
        round(2 / unit),
    )


def _integers(matrix: Floats) -> Ints:
    return np.rint(matrix).astype(np.int64)


def _order(blocks: list[Block], written: npt.NDArray[np.bool_]) -> Ints:
    """Lanes by who reads them, static ones last; of equal ones those first that more units read."""
    readers: list[npt.NDArray[np.bool_]] = [written]
    for block in blocks:
        readers.append(np.asarray(block.gate.any(axis=0) | block.up.any(axis=0)))
        for head in block.heads:
            readers += [np.asarray(m.any(axis=0)) for m in (head.query, head.key, head.moved)]
    count = sum(((block.gate != 0).sum(axis=0) for block in blocks), np.zeros(len(written)))
    return np.lexsort([-count, *(~reads for reads in reversed(readers))]).astype(np.int64)


def _reordered(block: Block, order: Ints) -> Block:
    heads = tuple(
        Head(h.query[:, order], h.key[:, order], h.moved[np.ix_(order, order)], h.gap)
        for h in block.heads
    )
    return block._replace(
        heads=heads, gate=block.gate[:, order], up=block.up[:, order], down=block.down[order]
    )


def _grid(matrix: Floats) -> float:
    """The largest power of two of which all entries are multiples (1 for a matrix of zeros)."""
    nonzero = np.abs(matrix[matrix != 0])
    if nonzero.size == 0:
        return 1.0
    mantissa, exponent = np.frexp(nonzero)
    odd = (mantissa * 2.0**53).astype(np.int64)
    trailing = np.log2((odd & -odd).astype(np.float64))
    return float(2.0 ** (exponent - 53 + trailing).min())


def _check_norms(arrays: Mapping[str, Floats]) -> None:
    for name, weight in arrays.items():
        if weight.ndim == 1 and not (weight == 1).all():
            raise CompileError(f"`{name}` is not a gain of 1: RMSNorm is not the identity")


def _check(what: str, bound: float, grid: float) -> None:
    if not bound / grid < 1 << MANTISSA:
        raise CompileError(f"the {what} are not exact in float32: {bound:g} in steps of {grid:g}")


def _check_sum(what: str, matrix: Floats) -> None:
    _check(what, float(np.abs(matrix).sum(axis=1).max(initial=0)), _grid(matrix))


def _check_moved(block: int, value: Floats, out: Floats) -> None:
    _check_sum(f"values of block {block}", value)
    bound = float((np.abs(out) @ np.abs(value).sum(axis=1)).max(initial=0)) + 1
    _check(f"sums of heads of block {block}", bound, _grid(value) * _grid(out))


def _check_mlp(block: int, gate: Floats, up: Floats, down: Floats) -> None:
    _check_sum(f"gates of block {block}", gate)
    _check_sum(f"up projections of block {block}", up)
    hidden = np.abs(gate).sum(axis=1) * np.abs(up).sum(axis=1)
    bound = float((np.abs(down) * hidden).sum(axis=1).max(initial=0)) + 1
    _check(f"sums of hidden units of block {block}", bound, _grid(gate) * _grid(up) * _grid(down))
