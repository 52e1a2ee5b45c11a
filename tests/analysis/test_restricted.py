"""Partial evaluation: the reduced MLP is the whole one, on every column that it is for."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from looped.analysis.model import Block
from looped.analysis.restricted import restrict_mlp
from tests import seeds

LANES, UNITS = 9, 12


def mlp(seed: int) -> Block:
    rng = seeds.generator(seed)
    shape = (UNITS, LANES)
    gate, up = (rng.integers(-2, 3, shape) * (rng.random(shape) < 0.3) for _ in range(2))
    return Block((), 1, gate, up, rng.integers(-2, 3, (LANES, UNITS)), 1)


def relu(x: np.ndarray) -> np.ndarray:
    return np.maximum(x, 0)


@given(seed=st.integers(0, 10**6), known=st.lists(st.sampled_from([-1, 0, 1]), min_size=LANES,
                                                  max_size=LANES))  # fmt: skip
def test_the_reduced_mlp_adds_what_the_whole_one_adds(seed: int, known: list[int]) -> None:
    block, fixed = mlp(seed), np.array(known)
    reduced = restrict_mlp(block, fixed)
    products = reduced.products
    rng = seeds.generator(seed)
    for x in rng.choice([-1, 1], (20, LANES)):
        x = np.where(fixed == 0, x, fixed)
        whole = block.down @ (relu(block.gate @ x) * (block.up @ x))
        hidden = relu(reduced.gate.matrix @ x + reduced.gate.constant)
        hidden[:products] *= reduced.up.matrix @ x + reduced.up.constant
        sums = np.zeros(LANES, np.int64)
        sums[reduced.lanes] = reduced.linear.matrix @ x + reduced.linear.constant
        sums[reduced.lanes] += reduced.down @ hidden
        assert sums.tolist() == whole.tolist()


@given(seed=st.integers(0, 10**6))
def test_no_unit_is_left_that_never_rises_or_is_linear(seed: int) -> None:
    reduced = restrict_mlp(mlp(seed), np.zeros(LANES, np.int64))
    reach = np.abs(reduced.gate.matrix).sum(axis=1)
    assert (reduced.gate.constant + reach > 0).all()
    assert (reach > 0).all()
    ramps = slice(len(reduced.up.matrix), None)
    assert (reduced.gate.constant[ramps] - reach[ramps] < 0).all()


def test_with_everything_known_only_constants_are_left() -> None:
    reduced = restrict_mlp(mlp(1), np.ones(LANES, np.int64))
    assert len(reduced.gate.matrix) == 0
    assert not reduced.linear.matrix.any()
