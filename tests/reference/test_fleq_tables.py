"""The tables of FLEQ: their integers from another computation, their errors against float64."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from looped.reference.fleq_tables import Table, exp_table, sigmoid_table, sin_table
from tests.seeds import generator

TABLES: dict[str, tuple[Callable[[int, int], Table], Callable[[float], float]]] = {
    "sigmoid": (sigmoid_table, lambda x: 1 / (1 + math.exp(-x))),
    "sin": (sin_table, math.sin),
    "exp": (exp_table, math.exp),
}
FORMATS = [(32, 16), (32, 20), (32, 12), (64, 48)]
WORST = {"sigmoid": 2.4e-5, "sin": 9.2e-5, "exp": 1e-4}


@pytest.mark.parametrize("name", TABLES)
def test_coefficients_are_those_of_an_interpolation_in_float64(name: str) -> None:
    make, function = TABLES[name]
    table, limit = make(32, 16), (1 << 31) - 1
    u = 0.5 - np.cos((2 * np.arange(3) + 1) * np.pi / 6) / 2
    for segment, found in enumerate(table.coefficients):
        start = segment / 4 - 16
        if name == "exp" and math.exp(start) > 1 << 15:
            assert found == (limit, 0, 0)
            continue
        values = [function(start + x / 4) for x in u]
        scale = 2.0 ** (16 + table.extra)
        expected = np.polyfit(u, values, 2)[::-1] * scale
        assert found == pytest.approx(expected, abs=0.51, rel=1e-9)


@pytest.mark.parametrize(("width", "fraction"), FORMATS)
@pytest.mark.parametrize("name", TABLES)
def test_coefficients_are_those_of_another_library_with_more_digits(
    name: str, width: int, fraction: int
) -> None:
    mpmath = pytest.importorskip("mpmath")
    function = {"sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)), "sin": mpmath.sin, "exp": mpmath.exp}
    table = TABLES[name][0](width, fraction)
    limit = (1 << width - 1) - 1
    with mpmath.workdps(90):
        nodes = [(1 - mpmath.cos((2 * n + 1) * mpmath.pi / 6)) / 2 for n in range(3)]
        vandermonde = mpmath.matrix([[1, u, u * u] for u in nodes])
        for segment in range(0, 128, 5):
            start = mpmath.mpf(segment) / 4 - 16
            values = mpmath.matrix([function[name](start + u / 4) for u in nodes])
            exact = mpmath.lu_solve(vandermonde, values) * mpmath.mpf(2) ** (fraction + table.extra)
            words = tuple(min(int(mpmath.floor(c + 0.5)), limit) for c in exact)
            if name == "exp" and mpmath.exp(start) * 2**fraction > limit:
                words = (limit, 0, 0)
            assert table.coefficients[segment] == words


@pytest.mark.parametrize(("width", "fraction"), FORMATS)
@pytest.mark.parametrize("name", TABLES)
def test_errors_stay_below_their_bounds(name: str, width: int, fraction: int) -> None:
    make, function = TABLES[name]
    table, scale, highest = make(width, fraction), 1 << fraction, (1 << width - 1) - 1
    edges = [(n * scale // 4) + d for n in range(-64, 64) for d in (-1, 0, 1)]
    reach = min(16 * scale, 1 << width - 1)
    rng = generator(7)
    inner = [int(x * scale) for x in rng.uniform(-reach / scale, reach / scale, 1500)]
    for word in [w for w in edges + inner if -reach <= w < reach]:
        exact = function(word / scale)
        value = min(table(word), highest) / scale
        if exact < highest / scale:
            more = 0 if fraction == 16 else 1.5 / scale  # the bounds of docs/fleq.md are Q16.16's
            bound = (WORST[name] + more) * max(1.0, abs(exact))
            assert abs(value - exact) <= bound, (word, value, exact)
        else:
            assert value == pytest.approx(highest / scale, rel=1e-4)


@given(st.integers(-(1 << 31), (1 << 31) - 1))
def test_beyond_the_domain_a_word_is_the_nearest_within(word: int) -> None:
    inside = min(max(word, -(16 << 16)), (16 << 16) - 1)
    for make, _ in TABLES.values():
        assert make(32, 16)(word) == make(32, 16)(inside)


def test_the_exponential_reaches_the_largest_word_and_stays_there() -> None:
    table = exp_table(32, 16)
    words = [min(table(word), (1 << 31) - 1) for word in range(0, 16 << 16, 1 << 10)]
    assert all(a <= b + (b >> 13) for a, b in pairwise(words))
    assert all(w == (1 << 31) - 1 for w in words[int(10.5 * 64) :])
