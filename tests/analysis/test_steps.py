"""Hidden units taken apart are what the MLP adds, for any lanes."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from looped.analysis.analyse import hidden_units
from looped.analysis.model import Block
from looped.analysis.steps import MlpSteps, mlp_steps
from looped.errors import CompileError

LANES = 5


def block(gate: np.ndarray, up: np.ndarray, down: np.ndarray) -> Block:
    """A block without heads; `down` is (units, lanes)."""
    return Block((), 1, *hidden_units(gate, up, down.T))


def applied(changes: MlpSteps, bits: list[int]) -> np.ndarray:
    """What the changes add to every lane, for certain bits."""
    result = np.zeros(LANES)
    for lane, form in changes.affine.items():
        result[lane] += form.constant + sum(c * bits[b] for b, c in form.bits.items())
    for lane, gates in changes.gated.items():
        for gate in gates:
            if sum(w * bits[b] for b, w in gate.threshold.bits) >= gate.threshold.at:
                form = gate.form
                result[lane] += form.constant + sum(c * bits[b] for b, c in form.bits.items())
    return result


weights = st.sampled_from([-2.0, -1.0, -0.5, 0.0, 0.0, 0.0, 0.5, 1.0, 2.0])
matrices = st.lists(st.lists(weights, min_size=LANES, max_size=LANES), min_size=3, max_size=3)


@given(matrices, matrices, matrices, st.lists(st.sampled_from([-1, 0, 0, 1]), min_size=LANES,
                                              max_size=LANES))  # fmt: skip
def test_units_are_what_the_mlp_adds(
    gate: list[list[float]], up: list[list[float]], down: list[list[float]], known: list[int]
) -> None:
    g, u, d = (np.array(matrix) for matrix in (gate, up, down))
    changes = mlp_steps(block(g, u, d), np.array(known, np.int8))
    for lanes in itertools.product((-1, 1), repeat=LANES):
        x = np.where(np.array(known) != 0, known, lanes)
        exact = (np.maximum(g @ x, 0) * (u @ x)) @ d
        assert np.array_equal(applied(changes, [int(v > 0) for v in x]), exact)


def test_two_ramps_are_one_threshold() -> None:
    """relu(z + 1) - relu(z) for z the sum of three lanes, scaled in different ways."""
    gate = np.array([[1.0, 1.0, 1.0, 0, 1.0], [0.5, 0.5, 0.5, 0, 0]])
    up = np.array([[0, 0, 0, 0, 1.0], [0, 0, 0, 0, 2.0]])
    down = np.array([[0, 0, 0, 1.0, 0], [0, 0, 0, -1.0, 0]])
    changes = mlp_steps(block(gate, up, down), np.array([0, 0, 0, 0, 1], np.int8))
    (steps,) = changes.gated.values()
    assert [(gate.threshold.at, gate.form.constant) for gate in steps] == [(2, 1.0)]


def test_a_long_ramp_is_no_threshold() -> None:
    gate = np.array([[64.0, 8.0, 4.0, 2.0, 1.0]])
    up = np.array([[1.0, 0, 0, 0, 0]])
    with pytest.raises(CompileError, match="a long ramp, not a threshold"):
        mlp_steps(block(gate, up, up), np.zeros(LANES, np.int8))
