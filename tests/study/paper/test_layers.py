"""The layer of the paper, computed by its formula, is a block of the core."""

from __future__ import annotations

import numpy as np
import pytest
import torch

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
from looped.study.paper.norms import compute, normed, pin, pinned_lanes, with_pins
from tests import seeds


def test_a_block_is_the_layer_of_the_paper() -> None:
    """A = X + Σ V X softmax(λ XᵀKᵀQX); A + W2 relu(W1 A + b1) + b2, columns as in the paper."""
    rng = seeds.generator(1)
    d, n, hidden, temperature = 6, 5, 7, 1.7
    q, k, v = (rng.normal(size=(2, 3, d)) for _ in range(3))
    out = rng.normal(size=(2, 3, d))
    w1, b1, w2 = rng.normal(size=(hidden, d)), rng.normal(size=hidden), rng.normal(size=(d, hidden))
    w1[:, 0], w2[0], out[..., 0] = 0, 0, 0
    x = rng.normal(size=(d, n))
    x[0] = 1

    a = x.copy()
    for h in range(2):
        scores = temperature * x.T @ k[h].T @ q[h] @ x
        weights = np.exp(scores) / np.exp(scores).sum(axis=0)
        a += out[h].T @ v[h] @ x @ weights
    wanted = a + w2 @ np.maximum(w1 @ a + b1[:, None], 0)

    def form(row: np.ndarray, scale: float = 1.0) -> dict[int, float]:
        return {i: scale * float(c) for i, c in enumerate(row)}

    heads = [
        Head(
            [form(row, temperature) for row in q[h]],
            [form(row) for row in k[h]],
            [form(row) for row in v[h]],
            [form(row) for row in out[h]],
        )
        for h in range(2)
    ]
    units = [unit_of(0, {**form(w1[i]), 0: float(b1[i])}, form(w2[:, i])) for i in range(hidden)]
    machine = Construction(Lanes(one=1, rest=d - 1), [Layer(heads, units)])
    got = compute(machine, torch.from_numpy(x.T[None]))
    assert np.allclose(got[0].numpy().T, wanted, atol=1e-12)


def test_units_clear_lanes() -> None:
    machine = Construction(Lanes(one=1, x=2), [Layer(units=cleared(0, [1]))])
    got = compute(machine, torch.tensor([[[1.0, -3.5, 2.0], [1.0, 0.25, 2.0]]]))
    assert got.tolist() == [[[1.0, 0.0, 2.0], [1.0, 0.0, 2.0]]]


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_pinned_norm_is_the_identity_bit_for_bit(dtype: str) -> None:
    kind, lanes = DTYPES[dtype], Lanes(one=1, x=80)
    machine = Construction(lanes, [Layer(units=[Unit({0: 1.0}, {1: 1.0}, {2: 1.0})])])
    x = torch.from_numpy(seeds.generator(2).uniform(-1, 1, (1, 9, lanes.count))).to(kind)
    value, wide = pin(kind, 1.0), pinned_lanes(lanes)
    assert value == {"float16": 2.0**9, "float32": 2.0**16, "float64": 2.0**30}[dtype]
    assert wide.count == 128 and len(wide["pinned"]) == 2
    stream = with_pins(x, wide, value)
    norm = normed(machine, kind, value).layers[0].input_layernorm
    held = norm(stream)
    if dtype == "float16":  # x · 8/P is subnormal below 2^-14
        assert (held - stream).abs().max() <= pin(kind, 1.0) * 2.0**-27
    else:
        assert torch.equal(held, stream)
