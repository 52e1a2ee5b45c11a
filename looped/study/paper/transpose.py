"""The transpose of a d × d matrix: by way of d² columns, each of which holds one entry.

d matrix columns hold the columns of A in lanes `a`, and a code of their number j. d² entry columns
hold the codes and the one-hot lanes of i and j. The layers, one head each:

| layer | head                                               | ReLU units                        |
|-------|----------------------------------------------------|-----------------------------------|
| 1     | entry column (i, j) reads column j of A: vectorise | picks lane i of it: z = A_ij      |
| 2     | entry column (i, j) reads z of (j, i): permute     | puts it into lane i: A_ji e_i     |
| 3     | matrix column j reads the mean of (·, j)           | old lanes cleared                 |
| 4     |                                                    | the new ones moved to their place |

The mean of layer 3 is a uniform head: d equal scores, 1/d each, and d in W_O: Σ_i A_ji e_i, which
is row j of A. The paper has four layers as well (one head, width O(d)); it needs d² columns, too.

Every read is a softmax with a leak: scores are λ times codes of ±1, so that the winner leads by 2λ
for each bit in which another differs. Relative to the winner the others weigh at most
q = (1 + e^{-2λ})^B - 1 for B bits of code, and for entries within ±1 the error is at most about
2q (read) + 2q (permute) + 2q (gather) = 6q. The paper asks for λ ≥ log(n³/ε).
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from looped.study.paper.layers import (
    DTYPES,
    Construction,
    Head,
    Lanes,
    Layer,
    Unit,
    cleared,
    unit_of,
)
from looped.study.paper.memory import code
from looped.study.paper.norms import compute
from looped.study.paper.product import Matrix

__all__ = ["transpose", "transpose_bound", "transpose_error", "transpose_layers"]

_GATE = 8.0
"""More than any entry: shuts a unit."""


def transpose_layers(d: int, temperature: float) -> Construction:
    """The four layers at λ.

    Lanes: the matrix, the codes and one-hot numbers of an entry column, and what is on its way.
    """
    bits = _bits(d)
    lanes = Lanes(
        one=1, entry=1, a=d, row=bits, column=bits, at=d, copy=d, z=1, partner=1, spread=d, new=d
    )
    layers = [
        _vectorise(lanes, temperature),
        _permute(lanes, temperature),
        _gather(lanes, temperature, d),
        _settle(lanes),
    ]
    return Construction(lanes, layers)


def transpose(
    matrices: list[Matrix], temperature: float, dtype: str, largest: float | None = None
) -> Matrix:
    """The transposes, (matrices, d, d), by the four layers at λ.

    `largest` puts it into a pre-norm, as for `norms.compute`.
    """
    d = matrices[0].shape[0]
    machine = transpose_layers(d, temperature)
    lanes = machine.lanes
    out = compute(machine, _embed(lanes, matrices, dtype), largest)[:, :d, list(lanes["a"])]
    result: Matrix = out.double().numpy().transpose(0, 2, 1)
    return result


def transpose_error(d: int, temperature: float, dtype: str, count: int = 8, seed: int = 0) -> float:
    """The largest error over matrices of random signs and the one of +1 below the diagonal."""
    rng = np.random.default_rng(seed)
    matrices = [np.where(rng.random((d, d)) < 0.5, -1.0, 1.0) for _ in range(count)]
    matrices.append(np.tril(np.full((d, d), 2.0)) - 1)
    got = transpose(matrices, temperature, dtype)
    return float(np.abs(got - np.stack([m.T for m in matrices])).max())


def transpose_bound(d: int, temperature: float) -> float:
    """6q, to first order the largest error in exact arithmetic."""
    return 6 * math.expm1(2 * _bits(d) * math.log1p(math.exp(-2 * temperature)))


def _bits(d: int) -> int:
    return max(1, (d - 1).bit_length())


def _vectorise(lanes: Lanes, temperature: float) -> Layer:
    """Codes of j against codes of j; entry columns stand 4λ for each bit behind."""
    one, entry, z = (lanes.first(name) for name in ("one", "entry", "z"))
    head = Head(
        queries=[*({p: temperature} for p in lanes["column"]), {one: 4 * temperature}],
        keys=[*({p: 1.0} for p in lanes["column"]), {entry: -float(len(lanes["column"]))}],
        values=[{lane: 1.0} for lane in lanes["a"]],
        outputs=[{lane: 1.0} for lane in lanes["copy"]],
    )
    pick = [
        unit_of(one, {lane: sign, at: _GATE, one: -_GATE}, {z: sign})
        for lane, at in zip(lanes["copy"], lanes["at"], strict=True)
        for sign in (1.0, -1.0)
    ]
    return Layer([head], [*pick, *cleared(one, lanes["copy"])])


def _permute(lanes: Lanes, temperature: float) -> Layer:
    """The query is (i, j), the key (j, i); matrix columns stand 4λ for each bit behind."""
    one, entry, z, partner = (lanes.first(name) for name in ("one", "entry", "z", "partner"))
    codes = [*zip(lanes["row"], lanes["column"], strict=True)]
    head = Head(
        queries=[*({a: temperature} for pair in codes for a in pair), {one: 4 * temperature}],
        keys=[
            *({a: 1.0} for pair in codes for a in reversed(pair)),
            {entry: float(len(codes))},
        ],
        values=[{z: 1.0}],
        outputs=[{partner: 1.0}],
    )
    spread = [
        unit_of(one, {partner: sign, at: _GATE, one: -_GATE}, {lane: sign})
        for lane, at in zip(lanes["spread"], lanes["at"], strict=True)
        for sign in (1.0, -1.0)
    ]
    return Layer([head], [*spread, *cleared(one, [partner, z])])


def _gather(lanes: Lanes, temperature: float, d: int) -> Layer:
    """Matrix column j attends to all (·, j) alike; matrix columns stand 4λ for each bit behind."""
    one, entry = lanes.first("one"), lanes.first("entry")
    head = Head(
        queries=[*({p: temperature} for p in lanes["column"]), {one: 4 * temperature}],
        keys=[*({p: 1.0} for p in lanes["column"]), {entry: float(len(lanes["column"]))}],
        values=[{lane: 1.0} for lane in lanes["spread"]],
        outputs=[{lane: float(d)} for lane in lanes["new"]],
    )
    return Layer([head], cleared(one, [*lanes["a"], *lanes["spread"]]))


def _settle(lanes: Lanes) -> Layer:
    """`new` moves to `a` in the matrix columns; it is cleared everywhere."""
    one, entry = lanes.first("one"), lanes.first("entry")
    move = [
        Unit({new: sign}, {one: 1.0, entry: -1.0}, {lane: sign})
        for new, lane in zip(lanes["new"], lanes["a"], strict=True)
        for sign in (1.0, -1.0)
    ]
    return Layer(units=[*move, *cleared(one, lanes["new"])])


def _embed(lanes: Lanes, matrices: list[Matrix], dtype: str) -> Tensor:
    d, bits = matrices[0].shape[0], _bits(matrices[0].shape[0])
    x = torch.zeros(len(matrices), d + d * d, lanes.count, dtype=DTYPES[dtype])
    x[..., lanes.first("one")] = 1.0
    x[:, d:, lanes.first("entry")] = 1.0
    for k, matrix in enumerate(matrices):
        x[k, :d, list(lanes["a"])] = torch.from_numpy(matrix.T.copy()).to(x.dtype)
    for j in range(d):
        x[:, j, list(lanes["column"])] = torch.tensor(code(j, bits), dtype=x.dtype)
        for i in range(d):
            column = d + i * d + j
            x[:, column, list(lanes["row"])] = torch.tensor(code(i, bits), dtype=x.dtype)
            x[:, column, list(lanes["column"])] = torch.tensor(code(j, bits), dtype=x.dtype)
            x[:, column, lanes["at"][i]] = 1.0
    return x
