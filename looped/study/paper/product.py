"""The matrix product Aᵀ B by a softmax that is nearly linear: two layers, one head.

Column i < d holds column i of A, column d + j column j of B; column d + j attends to the columns of
A with scores c (a_i · b_j), and to one *heavy* column with score C. Its weight for column i is

    w_i = e^{c a_i·b_j} / (e^C + Σ_k e^{c a_k·b_j}) = (1 + c a_i·b_j + …) / (e^C + d + …)

and the value of column i is the one-hot e_i, so that the head adds w to lanes of column d + j. With
W_O scaled by e^C/c and 1/c subtracted by the MLP these are the entries (Aᵀ B)_ij. A second layer
moves them by a selecting head to the column 2d + j, the paper's last third of the scratchpad.

The error. With |a_i·b_j| ≤ s and the rounding unit u: ½ c s² from the second order, d e^-C/c from
the denominator, C u/c from rounding the exponent of w, which is near -C. Entries within ±1 have
s = d. The weights take the c and C that make the sum least (`slope`): about d √(2 C u). The paper
counts no rounding: there ε goes to 0 with c.

Two heads at ±c with weights ±½ cancel the even orders (`SINH`), which leaves c² s³/6. Four at ±c,
±2c with weights 8 : -1 cancel the third, too (`RICHARDSON`), which leaves c⁴ s⁵/30. Beside them,
`gated_error`: the gated MLP multiplies, Σ_k relu(±a_k) b_k by its own `up`; it only rounds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from looped.study.paper.layers import (
    DTYPES,
    Construction,
    Form,
    Head,
    Lanes,
    Layer,
    Unit,
    unit_of,
)
from looped.study.paper.norms import compute

__all__ = [
    "LINEAR",
    "RICHARDSON",
    "SINH",
    "Matrix",
    "best_error",
    "error_at",
    "expected_error",
    "gated_error",
    "gated_layer",
    "heavy_score",
    "matrices",
    "product",
    "product_error",
    "product_layers",
    "rounding_unit",
    "slope",
]

LINEAR = ((1.0, 1.0),)
SINH = ((1.0, 0.5), (-1.0, -0.5))
RICHARDSON = ((1.0, 4 / 6), (-1.0, -4 / 6), (2.0, -1 / 12), (-2.0, 1 / 12))
"""Multiples of c and weights of the heads."""

_SELECTING = 40.0
"""Score of the move's head: e^-40 is below the rounding unit of float64."""

Matrix = NDArray[np.float64]


def matrices(d: int, count: int, seed: int, dtype: str) -> list[tuple[Matrix, Matrix]]:
    """Pairs A, B with entries uniform in [-1, 1], of `dtype`; the first pair is all ones, s = d."""
    rng = np.random.default_rng(seed)
    drawn = [(np.ones((d, d)), np.ones((d, d)))]
    drawn += [(rng.uniform(-1, 1, (d, d)), rng.uniform(-1, 1, (d, d))) for _ in range(count)]
    kind = np.dtype(dtype)
    return [(a.astype(kind).astype(float), b.astype(kind).astype(float)) for a, b in drawn]


def product(
    pairs: Sequence[tuple[Matrix, Matrix]],
    heads: Sequence[tuple[float, float]],
    c: float,
    heavy: float,
    dtype: str,
    largest: float | None = None,
) -> Matrix:
    """Aᵀ B for each pair, (pairs, d, d), by the two layers at c and C = `heavy`.

    `largest` puts it into a pre-norm, as for `norms.compute`.
    """
    d = pairs[0][0].shape[0]
    machine = product_layers(d, heads, c, heavy)
    lanes = machine.lanes
    out = compute(machine, _embed(lanes, pairs, dtype), largest)
    out = out[:, 2 * d : 3 * d, list(lanes["out"])]
    result: Matrix = out.double().numpy().transpose(0, 2, 1)
    return result


def product_error(
    pairs: Sequence[tuple[Matrix, Matrix]], heads: Sequence[tuple[float, float]], dtype: str
) -> float:
    """The largest error over all entries and pairs, at the c of `slope`."""
    return error_at(pairs, heads, slope(pairs[0][0].shape[0], len(heads), dtype), dtype)


def error_at(
    pairs: Sequence[tuple[Matrix, Matrix]],
    heads: Sequence[tuple[float, float]],
    c: float,
    dtype: str,
) -> float:
    """The same at another c."""
    return float(_errors(pairs, heads, c, dtype).max())


def best_error(
    pairs: Sequence[tuple[Matrix, Matrix]], heads: Sequence[tuple[float, float]], dtype: str
) -> float:
    """The error of the best single pair, at the best c of a sweep: what is *not* a bound."""
    rule = slope(pairs[0][0].shape[0], len(heads), dtype)
    return min(
        float(_errors(pairs, heads, rule * 2.0**k, dtype).max(axis=(1, 2)).min())
        for k in range(-2, 5)
    )


def _errors(
    pairs: Sequence[tuple[Matrix, Matrix]],
    heads: Sequence[tuple[float, float]],
    c: float,
    dtype: str,
) -> Matrix:
    d = pairs[0][0].shape[0]
    got = product(pairs, heads, c, heavy_score(d, c, dtype), dtype)
    errors: Matrix = np.abs(got - np.stack([a.T @ b for a, b in pairs]))
    return errors


def slope(d: int, heads: int, dtype: str) -> float:
    """c for entries within ±1: the power of two with the least `expected_error`."""
    return min((2.0**-k for k in range(60)), key=lambda c: expected_error(d, heads, c, dtype))


def heavy_score(d: int, c: float, dtype: str) -> float:
    """C: e^C = d/u if the dtype holds e^C/c, the scale of W_O; else half of its largest number."""
    room = torch.finfo(DTYPES[dtype]).max * c / 2
    return math.log(min(d / rounding_unit(dtype), room))


def expected_error(d: int, heads: int, c: float, dtype: str) -> float:
    """The sum of the first order that is left, the denominator and the rounding."""
    left = {1: c * d**2 / 2, 2: c**2 * d**3 / 6, 4: c**4 * d**5 / 30}[heads]
    heavy = heavy_score(d, c, dtype)
    return float(left + (d * math.exp(-heavy) + heavy * rounding_unit(dtype)) / c)


def rounding_unit(dtype: str) -> float:
    """u = 2^-p of a dtype of p mantissa bits."""
    return float(torch.finfo(DTYPES[dtype]).eps) / 2


def gated_error(pairs: Sequence[tuple[Matrix, Matrix]], dtype: str) -> float:
    """The largest error of the same products by the gated MLP: one layer, d² columns (a_i, b_j)."""
    d = pairs[0][0].shape[0]
    machine = gated_layer(d)
    lanes, out = machine.lanes, machine.lanes.first("out")
    x = torch.zeros(len(pairs), d * d, lanes.count, dtype=DTYPES[dtype])
    for k, (a, b) in enumerate(pairs):
        x[k, :, list(lanes["a"])] = torch.from_numpy(np.repeat(a.T, d, axis=0)).to(x.dtype)
        x[k, :, list(lanes["b"])] = torch.from_numpy(np.tile(b.T, (d, 1))).to(x.dtype)
    got = compute(machine, x)[..., out].double().numpy().reshape(len(pairs), d, d)
    return float(np.abs(got - np.stack([a.T @ b for a, b in pairs])).max())


def gated_layer(d: int) -> Construction:
    """Σ_k a_k b_k in every column, 2d gated units."""
    lanes = Lanes(a=d, b=d, out=1)
    out = lanes.first("out")
    units = [
        Unit({a: sign}, {b: 1.0}, {out: sign})
        for a, b in zip(lanes["a"], lanes["b"], strict=True)
        for sign in (1.0, -1.0)
    ]
    return Construction(lanes, [Layer(units=units)])


def product_layers(
    d: int, heads: Sequence[tuple[float, float]], c: float, heavy: float
) -> Construction:
    """The two layers at c and C; `heads` are multiples of c and weights."""
    lanes = Lanes(one=1, a=d, b=d, who=d, left=1, right=1, heavy=1, result=1, place=d, out=d)
    one, out = lanes.first("one"), lanes["out"]
    scale = math.exp(heavy) / c
    multiply = [_product_head(lanes, c * m, heavy, weight * scale) for m, weight in heads]
    constant = sum(weight for _, weight in heads) / c  # 1/c, or 0 where the signs cancel
    centre = [
        unit_of(one, {lanes.first("right"): 1.0}, {lane: -constant}) for lane in out if constant
    ]
    elsewhere, there = {one: 1.0, lanes.first("right"): -1.0}, {lanes.first("right"): 1.0}
    first = Layer(multiply, [*centre, *_cleared_where(elsewhere, out)])
    return Construction(lanes, [first, Layer([_move(lanes)], _cleared_where(there, out))])


def _cleared_where(switch: Form, lanes: Sequence[int]) -> list[Unit]:
    """Units that set lanes to 0 in the columns where the switch is 1: gated, with no constant."""
    return [Unit({i: sign}, switch, {i: -sign}) for i in lanes for sign in (1.0, -1.0)]


def _product_head(lanes: Lanes, c: float, heavy: float, scale: float) -> Head:
    """Columns of A score c a·b, the heavy column C, all others -C - 40."""
    far = 2 * heavy + _SELECTING
    standing = {lanes.first("left"): heavy + _SELECTING, lanes.first("heavy"): far}
    standing[lanes.first("one")] = -heavy - _SELECTING
    return Head(
        queries=[*({b: c} for b in lanes["b"]), {lanes.first("one"): 1.0}],
        keys=[*({a: 1.0} for a in lanes["a"]), standing],
        values=[{lane: 1.0} for lane in lanes["who"]],
        outputs=[{lane: scale} for lane in lanes["out"]],
    )


def _move(lanes: Lanes) -> Head:
    """A result column takes `out` of the column of B of its place; the others take zeros."""
    return Head(
        queries=[
            *({p: _SELECTING} for p in lanes["place"]),
            {lanes.first("result"): -_SELECTING, lanes.first("one"): _SELECTING},
        ],
        keys=[
            *({p: 2.0, lanes.first("result"): -2.0} for p in lanes["place"]),
            {lanes.first("heavy"): 4.0},
        ],
        values=[{lane: 1.0} for lane in lanes["out"]],
        outputs=[{lane: 1.0} for lane in lanes["out"]],
    )


def _embed(lanes: Lanes, pairs: Sequence[tuple[Matrix, Matrix]], dtype: str) -> Tensor:
    """3d + 1 columns: A, B, results, and the heavy one."""
    d = pairs[0][0].shape[0]
    x = torch.zeros(len(pairs), 3 * d + 1, lanes.count, dtype=DTYPES[dtype])
    x[..., lanes.first("one")] = 1.0
    for k, (a, b) in enumerate(pairs):
        x[k, :d, list(lanes["a"])] = torch.from_numpy(a.T.copy()).to(x.dtype)
        x[k, d : 2 * d, list(lanes["b"])] = torch.from_numpy(b.T.copy()).to(x.dtype)
    for i in range(d):
        x[:, i, lanes["who"][i]] = 1.0
        x[:, d + i, lanes["place"][i]] = 1.0
        x[:, 2 * d + i, lanes["place"][i]] = 1.0
    x[:, :d, lanes.first("left")] = 1.0
    x[:, d : 2 * d, lanes.first("right")] = 1.0
    x[:, 2 * d : 3 * d, lanes.first("result")] = 1.0
    x[:, 3 * d, lanes.first("heavy")] = 1.0
    return x
