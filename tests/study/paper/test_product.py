"""The product by a linearised softmax: a transpose times a matrix, as exact as its dtype allows."""

from __future__ import annotations

import numpy as np
import pytest

from looped.study.paper.layers import DTYPES
from looped.study.paper.product import (
    LINEAR,
    RICHARDSON,
    SINH,
    best_error,
    error_at,
    expected_error,
    gated_error,
    heavy_score,
    matrices,
    product,
    product_error,
    rounding_unit,
    slope,
)
from tests import seeds

HEADS = {"1": LINEAR, "2": SINH, "4": RICHARDSON}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("heads", HEADS.values(), ids=HEADS)
@pytest.mark.parametrize("d", [4, 8])
def test_errors_are_as_expected(d: int, heads: tuple[tuple[float, float], ...], dtype: str) -> None:
    expected = expected_error(d, len(heads), slope(d, len(heads), dtype), dtype)
    error = product_error(matrices(d, 6, seeds.number(1), dtype), heads, dtype)
    assert expected / 100 <= error <= expected


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_more_heads_are_more_exact_and_the_gated_product_rounds_alone(dtype: str) -> None:
    pairs = matrices(8, 6, seeds.number(2), dtype)
    one, two, four = (product_error(pairs, heads, dtype) for heads in HEADS.values())
    assert one > 4 * two > 16 * four
    assert gated_error(pairs, dtype) <= 3 * 64 * rounding_unit(dtype)


def test_c_too_small_rounds_and_c_too_large_bends() -> None:
    pairs = matrices(8, 3, seeds.number(3), "float64")
    best = best_error(pairs, LINEAR, "float64")
    rule = slope(8, 1, "float64")
    assert error_at(pairs, LINEAR, rule / 2**10, "float64") > 10 * best
    assert error_at(pairs, LINEAR, rule * 2**10, "float64") > 10 * best


def test_each_entry_is_in_its_place() -> None:
    a, b = np.zeros((3, 3)), np.zeros((3, 3))
    a[1, 0], b[1, 2] = 0.5, -0.75
    c = slope(3, 4, "float64")
    got = product([(a, b)], RICHARDSON, c, heavy_score(3, c, "float64"), "float64")[0]
    wanted = np.zeros((3, 3))
    wanted[0, 2] = -0.375
    assert np.allclose(got, wanted, atol=1e-10)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_it_works_in_a_pre_norm_with_pinned_lanes(dtype: str) -> None:
    """The result passes through lanes of the size of 1/c, and so large must the pins be."""
    pairs = matrices(4, 3, seeds.number(4), dtype)
    c = slope(4, 1, dtype)
    heavy = heavy_score(4, c, dtype)
    plain = product(pairs, LINEAR, c, heavy, dtype)
    held = product(pairs, LINEAR, c, heavy, dtype, largest=2 / c)
    assert np.abs(plain - held).max() <= expected_error(4, 1, c, dtype)
