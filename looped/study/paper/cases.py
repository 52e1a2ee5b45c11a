"""The constructions of the table, each with what it is measured on and the bounds that it has."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from looped.study.paper.correction import EPSILON, correction, correction_error
from looped.study.paper.layers import Construction
from looped.study.paper.memory import (
    access,
    leak_bound,
    paper_error,
    read_error,
    write_bound,
    write_error,
)
from looped.study.paper.product import (
    LINEAR,
    RICHARDSON,
    SINH,
    expected_error,
    gated_error,
    gated_layer,
    heavy_score,
    matrices,
    product_error,
    product_layers,
    rounding_unit,
    slope,
)
from looped.study.paper.sigmoids import (
    MENU,
    Function,
    Sigmoid,
    errors,
    relu_error,
    relu_layer,
    sigmoid_layer,
    smooth,
    staircase,
)
from looped.study.paper.transpose import transpose_bound, transpose_error, transpose_layers

__all__ = ["PAIRS", "Case", "cases"]

PAIRS = 20
"""Random pairs of matrices of the product, beside the pair of all ones."""

_SEED = 0


@dataclass(frozen=True, slots=True)
class Case:
    """A row of the table.

    `error` takes the name of a dtype and gives the largest error over `inputs`; `bound` is ours for
    it, derived beside the construction, or nothing; `paper` is what the paper states, in exact
    arithmetic, where that is a number.
    """

    name: str
    machine: Construction
    inputs: str
    error: Callable[[str], float]
    bound: Callable[[str], float] | None = None
    paper: float | None = None


def cases() -> Iterator[Case]:
    """All rows, in the order of the table."""
    yield from _memory()
    yield from _correction()
    yield from _transpose()
    yield from _product()
    yield from _sigmoids()


def _rounded(exact: float, ulps: int) -> Callable[[str], float]:
    """A bound in exact arithmetic and so many rounding units of 1."""
    return lambda dtype: exact + ulps * rounding_unit(dtype)


def _memory() -> Iterator[Case]:
    columns, bits = 32, 5
    addresses = f"all {columns - 1} addresses, worst data"
    for temperature in (4.0, 8.0, 12.0):
        for name, writes, error, bound in (
            ("read", False, read_error, leak_bound),
            ("write", True, write_error, write_bound),
        ):
            machine = access(columns, temperature, writes)
            yield Case(
                f"{name}, n = {columns}, λ = {temperature:g}",
                machine,
                addresses,
                partial(error, columns, temperature),
                _rounded(bound(temperature, bits), 4),
                paper_error(columns, temperature, machine.lanes.count),
            )


def _correction() -> Iterator[Case]:
    points = 1001
    yield Case(
        f"error correction, ε = {EPSILON:g}",
        correction(),
        f"{3 * points:,} points within ε of -1, 0, 1",
        partial(correction_error, points=points),
        _rounded(0.0, 4),
        0.0,
    )


def _transpose() -> Iterator[Case]:
    for d, temperature in ((4, 8.0), (8, 8.0)):
        columns = d + d * d
        yield Case(
            f"transpose, d = {d}, λ = {temperature:g}",
            transpose_layers(d, temperature),
            "9 matrices of ±1",
            partial(transpose_error, d, temperature),
            _rounded(transpose_bound(d, temperature), 4 * d),
            paper_error(columns, temperature, 1),
        )


def _product() -> Iterator[Case]:
    for d in (4, 8):
        inputs = f"all ones and {PAIRS} random pairs in [-1, 1]"
        for heads, name in ((LINEAR, "1 head"), (SINH, "±c, 2 heads"), (RICHARDSON, "4 heads")):
            c = slope(d, len(heads), "float32")
            machine = product_layers(d, heads, c, heavy_score(d, c, "float32"))
            yield Case(
                f"product, d = {d}, {name}",
                machine,
                inputs,
                partial(_product_error, d, heads),
                partial(_expected, d, len(heads)),
            )
        yield Case(
            f"product, d = {d}, gated MLP",
            gated_layer(d),
            inputs,
            partial(_gated_error, d),
            partial(_dot_bound, d),
        )


def _product_error(d: int, heads: tuple[tuple[float, float], ...], dtype: str) -> float:
    return product_error(matrices(d, PAIRS, _SEED, dtype), heads, dtype)


def _gated_error(d: int, dtype: str) -> float:
    return gated_error(matrices(d, PAIRS, _SEED, dtype), dtype)


def _expected(d: int, heads: int, dtype: str) -> float:
    return expected_error(d, heads, slope(d, heads, dtype), dtype)


def _dot_bound(d: int, dtype: str) -> float:
    """d products and 2d sums, each rounded, of partial sums within ±d."""
    return 3 * d * d * rounding_unit(dtype)


def _sigmoids() -> Iterator[Case]:
    for f in MENU:
        points = f"{len(f.grid)} points of [{f.low:.3g}, {f.high:.3g}]"
        for fit, m in ((staircase, 64), (staircase, 1024), (smooth, 1024)):
            chosen = fit(f, m)
            yield Case(
                f"{f.name}, {m} sigmoids, {fit.__name__}",
                sigmoid_layer([chosen]),
                points,
                partial(_fit_error, f, fit, m),
                _rounded(_largest_step(chosen), 0) if fit is staircase else None,
                _barron(f, m),
            )
        yield Case(f"{f.name}, 1024 ReLU", relu_layer(f, 1024), points, partial(_relu, f, 1024, 1))
    graded = MENU[-1]
    yield Case(
        f"{graded.name}, 1024 ReLU, knots (k/m)²",
        relu_layer(graded, 1024, 2),
        f"{len(graded.grid)} points of [{graded.low:.3g}, {graded.high:.3g}]",
        partial(_relu, graded, 1024, 2),
    )


def _fit_error(
    f: Function, fit: Callable[[Function, int], list[Sigmoid]], m: int, dtype: str
) -> float:
    return errors([f], fit, m, dtype)[0]


def _relu(f: Function, m: int, power: int, dtype: str) -> float:
    return relu_error(f, m, dtype, power)


def _largest_step(chosen: list[Sigmoid]) -> float:
    """A steep step in the wrong place costs at most all of its height."""
    return float(np.abs([s.c for s in chosen[1:]]).max())


def _barron(f: Function, m: int) -> float | None:
    """2C/√m, which bounds the mean square; the paper gives the rate alone."""
    return None if f.barron is None else 2 * f.barron / math.sqrt(m)
