"""Saturated tanh units that compare a query lane with a key lane."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor

__all__ = ["Unit", "at_most", "comparison", "levels", "product"]

_SATURATION = 20.0
"""tanh(20) rounds to 1 in float64, from 19.1 on; in float32 from 9.1 on."""

_MOST_WEIGHTS = 8
"""A row of more weights has more than 256 sums of ±: no list of levels for it."""


class Unit(NamedTuple):
    """`score · tanh(query · a + key · b + shift)`, of a lane a of the query and b of the key."""

    query: float
    key: float
    shift: float
    score: float


def levels(row: Tensor) -> list[float]:
    """The values of `row · x` for x of ±1, ascending. Raises ValueError for too many weights."""
    sums = torch.zeros(1, dtype=torch.float64)
    weights = row[row != 0].double()
    if len(weights) > _MOST_WEIGHTS:
        raise ValueError(
            f"{len(weights)} weights in a row of queries or keys, {_MOST_WEIGHTS} at most"
        )
    for weight in weights:
        sums = torch.cat([sums + weight, sums - weight])
    return sorted(set(sums.tolist()))


def comparison(a: float, b: float) -> list[Unit]:
    """Units for lanes ±a and ±b: 0 if the signs are equal, else -2·a·b."""
    gain = _SATURATION
    return [Unit(gain / a, gain / b, -gain, a * b), Unit(-gain / a, -gain / b, -gain, a * b)]


def product(a: Sequence[float], b: Sequence[float]) -> list[Unit]:
    """Units for a query lane of the levels `a` and a key lane of the levels `b`: their product, up
    to what depends on the query alone.

    A unit fires for `b > b_j`, or for `b = b_j` and a above a step: the key counts so much more
    that the order is that of a dictionary. Without the first part the second is left, so with
    steps Δ_i of a, `a·b = a_0·b + Σ_j b_j Σ_i Δ_i [b = b_j and a > step i]`.
    """
    span = a[-1] - a[0]
    units = []
    for low, high in pairwise(b):
        weight = -low * span + a[0] * (high - low)
        units.append(_step(0.0, 1.0, (low + high) / 2, (high - low) / 2, weight))
    gap = min((high - low for low, high in pairwise(b)), default=1.0)
    for level in b:
        for low, high in pairwise(a):
            step = (low + high) / 2 + 2 * span / gap * level
            units.append(_step(1.0, 2 * span / gap, step, (high - low) / 2, level * (high - low)))
    return [unit for unit in units if unit.score]


def at_most(margin: float, weight: float) -> Unit:
    """A unit for lanes that hold numbers: `weight` more for keys of at least the query.

    Different numbers are 2·`margin` apart or more. So attention can find the first entry that is
    not less than what is looked for, which no product of two lanes does.
    """
    return _step(-1.0, 1.0, -margin, margin, weight)


def _step(query: float, key: float, step: float, margin: float, weight: float) -> Unit:
    """A unit worth `weight` more where `query · a + key · b` is above `step`, by the margin."""
    gain = _SATURATION / margin
    return Unit(gain * query, gain * key, -gain * step, weight / 2)
