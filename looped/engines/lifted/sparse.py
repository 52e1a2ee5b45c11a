"""Weight tensors as sparse rows, and the proof that their sums are exact.

Nothing is known here but tensors: no lane has a name, no column a meaning. A model is taken on only
if its norms have unit gain (on ±1 states RMSNorm is then the identity) and if every sum over ±1
lanes is a multiple of a power of two, so small that float32 holds it in any order of summation.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from torch import Tensor

from looped.errors import CompileError

__all__ = ["MANTISSA", "Rows", "SparseModel", "analyse"]

MANTISSA = 24
"""Bits of a float32 mantissa: integers below 2^24 are exact."""

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class Rows(NamedTuple):
    """The non-zeros of a matrix row by row: row r has those from `start[r]` to `start[r + 1]`."""

    start: Ints
    lane: Ints
    weight: Floats


class SparseModel(NamedTuple):
    """A model, block after block; heads whose output is always zero are left out.

    Block b has the heads `heads[b]` to `heads[b + 1]`. Head h has the score dimensions `dims[h]`
    to `dims[h + 1]`, rows of `query` (scaled as scores are) and `key`, and the value dimensions
    `values[h]` to `values[h + 1]`, rows of `value`, of which `out` holds the columns of W_O. Block
    b has the hidden units `units[b]` to `units[b + 1]`, rows of `gate` and `up`, of which `down`
    holds the columns of W_down. Row b of `seen` lists the lanes that its MLP reads.
    """

    blocks: int
    heads: Ints
    dims: Ints
    values: Ints
    query: Rows
    key: Rows
    value: Rows
    out: Rows
    units: Ints
    gate: Rows
    up: Rows
    down: Rows
    seen: Rows


def analyse(weights: Mapping[str, Tensor], blocks: int, d_head: int) -> SparseModel:
    """Sparse rows of a model. Raises CompileError if its sums are not exact in float32."""
    arrays = {name: w.detach().cpu().double().numpy() for name, w in weights.items()}
    _check_norms(arrays)
    heads, dims, values, units = [0], [0], [0], [0]
    parts: dict[str, list[Floats]] = {name: [] for name in (*"qkvo", "gate", "up", "down", "seen")}
    for block in range(blocks):
        q, k, v, o = (arrays[f"layers.{block}.self_attn.{n}_proj.weight"] for n in "qkvo")
        for first in range(0, len(q), d_head):
            own = slice(first, first + d_head)
            carried = np.flatnonzero((v[own] != 0).any(axis=1) & (o[:, own] != 0).any(axis=0))
            if carried.size == 0:
                continue
            used = np.flatnonzero(q[own].any(axis=1) & k[own].any(axis=1))
            scaled = q[own][used] / d_head**0.5
            _check_scores(block, scaled, k[own][used])
            parts["q"].append(scaled)
            parts["k"].append(k[own][used])
            parts["v"].append(v[own][carried])
            parts["o"].append(o[:, own][:, carried].T)
            _check_sum(f"values of block {block}", v[own][carried], 1.0, 1.0)
            dims.append(dims[-1] + len(used))
            values.append(values[-1] + len(carried))
        heads.append(len(dims) - 1)
        gate, up, down = (
            arrays[f"layers.{block}.mlp.{n}_proj.weight"] for n in ("gate", "up", "down")
        )
        live = np.flatnonzero(gate.any(axis=1) & up.any(axis=1) & down.any(axis=0))
        gate, up, down = gate[live], up[live], down[:, live]
        _check_mlp(block, gate, up, down)
        parts["gate"].append(gate)
        parts["up"].append(up)
        parts["down"].append(down.T)
        parts["seen"].append(((gate != 0) | (up != 0)).any(axis=0, keepdims=True).astype(float))
        units.append(units[-1] + len(live))
    width = len(arrays["norm.weight"])
    rows = {
        name: _rows(np.concatenate(p) if p else np.zeros((0, width))) for name, p in parts.items()
    }
    return SparseModel(
        blocks=blocks,
        heads=np.array(heads),
        dims=np.array(dims),
        values=np.array(values),
        query=rows["q"],
        key=rows["k"],
        value=rows["v"],
        out=rows["o"],
        units=np.array(units),
        gate=rows["gate"],
        up=rows["up"],
        down=rows["down"],
        seen=rows["seen"],
    )


def _rows(matrix: Floats) -> Rows:
    row, lane = np.nonzero(matrix)
    start = np.searchsorted(row, np.arange(len(matrix) + 1))
    return Rows(start.astype(np.int64), lane.astype(np.int64), matrix[row, lane])


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


def _check_sum(what: str, matrix: Floats, factor: float, grid: float) -> None:
    bound = float(np.abs(matrix).sum(axis=1).max(initial=0)) * factor
    _check(what, bound, _grid(matrix) * grid)


def _check_scores(block: int, query: Floats, key: Floats) -> None:
    bound = float((np.abs(query).sum(axis=1) * np.abs(key).sum(axis=1)).sum())
    _check(f"scores of block {block}", bound, _grid(query) * _grid(key))


def _check_mlp(block: int, gate: Floats, up: Floats, down: Floats) -> None:
    _check_sum(f"gates of block {block}", gate, 1.0, 1.0)
    _check_sum(f"up projections of block {block}", up, 1.0, 1.0)
    hidden = np.abs(gate).sum(axis=1) * np.abs(up).sum(axis=1)
    bound = float((np.abs(down) * hidden).sum(axis=1).max(initial=0)) + 1
    _check(f"sums of hidden units of block {block}", bound, _grid(gate) * _grid(up) * _grid(down))
