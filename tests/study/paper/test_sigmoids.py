"""Sums of sigmoids by softmax heads: the sum that is meant, and errors that shrink as they must."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from looped.study.paper.layers import DTYPES
from looped.study.paper.norms import compute
from looped.study.paper.sigmoids import (
    MENU,
    Function,
    Sigmoid,
    errors,
    relu_error,
    sigmoid_layer,
    smooth,
    staircase,
)

SINE = MENU[1]


def test_a_head_is_a_sigmoid_and_the_one_hot_lanes_choose_the_function() -> None:
    first = [Sigmoid(2.0, -0.5, 3.0), Sigmoid(-1.0, 0.25, 0.5)]
    second = [Sigmoid(0.5, 1.0, -2.0), Sigmoid(4.0, 0.0, 1.0)]
    machine = sigmoid_layer([first, second])
    lanes = machine.lanes
    points = torch.linspace(-3, 3, 7, dtype=torch.float64)
    for number, chosen in enumerate((first, second)):
        x = torch.zeros(7, 3, lanes.count, dtype=torch.float64)
        x[..., lanes.first("one")] = 1
        x[:, 0, lanes.first("operand")] = 1
        x[:, 0, lanes.first("x")] = points
        x[:, 1, lanes["function"][number]] = 1
        out = compute(machine, x)[..., lanes.first("out")]
        wanted = sum(s.c * torch.sigmoid(s.a * points + s.b) for s in chosen)
        assert torch.allclose(out[:, 0], torch.as_tensor(wanted), atol=1e-14)
        assert out[:, 1:].eq(0).all()


def test_one_set_of_weights_holds_the_menu() -> None:
    together = errors(MENU, staircase, 16, "float64")
    alone = [errors([f], staircase, 16, "float64")[0] for f in MENU]
    assert np.allclose(together, alone)


def test_a_staircase_is_of_first_order_and_the_smooth_one_of_second() -> None:
    coarse, fine = (errors([SINE], staircase, m, "float64")[0] for m in (48, 96))
    assert 1.7 < coarse / fine < 2.4
    coarse, fine = (errors([SINE], smooth, m, "float64")[0] for m in (60, 100))  # h as 80 to 40
    assert 3.4 < coarse / fine < 5


def test_barron_bounds_the_mean_square_of_the_sine() -> None:
    assert SINE.barron is not None
    for m in (16, 64):
        assert errors([SINE], staircase, m, "float64")[0] < 2 * SINE.barron / m**0.5


@pytest.mark.parametrize("dtype", DTYPES)
def test_relu_units_are_of_second_order(dtype: str) -> None:
    line = Function("2x - 1", -1.0, 1.0, lambda x: 2 * x - 1)
    assert relu_error(line, 8, dtype) <= 8 * torch.finfo(DTYPES[dtype]).eps
    if dtype == "float64":
        square = MENU[2]
        h = (square.high - square.low) / 64
        assert relu_error(square, 64, dtype) == pytest.approx(h**2 / 4, rel=0.02)


def test_errors_are_measured_where_a_root_is_steep() -> None:
    root = MENU[3]
    h = (root.high - root.low) / 64
    assert relu_error(root, 64, "float64") == pytest.approx(h**0.5 / 4, rel=0.02)
