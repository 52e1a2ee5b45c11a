"""The transpose in four layers."""

from __future__ import annotations

import numpy as np
import pytest

from looped.study.paper.layers import DTYPES
from looped.study.paper.product import rounding_unit
from looped.study.paper.transpose import (
    transpose,
    transpose_bound,
    transpose_error,
    transpose_layers,
)
from tests import seeds


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("d", [2, 3, 5, 8])
def test_errors_stay_within_the_bound(d: int, dtype: str) -> None:
    for temperature in (4.0, 8.0):
        error = transpose_error(d, temperature, dtype, seed=seeds.number(d))
        bound = transpose_bound(d, temperature)
        assert error <= bound + 4 * d * rounding_unit(dtype)
        assert dtype != "float64" or error >= bound / 4


@pytest.mark.parametrize("largest", [None, 2.0], ids=["no norm", "pinned"])
def test_any_real_matrix_is_transposed(largest: float | None) -> None:
    matrix = seeds.generator(1).uniform(-1, 1, (6, 6))
    got = transpose([matrix], 20.0, "float64", largest)[0]
    assert np.allclose(got, matrix.T, atol=1e-13)


def test_it_has_four_layers_of_one_head() -> None:
    machine = transpose_layers(4, 8.0)
    assert len(machine.layers) == 4 and machine.heads == 1
