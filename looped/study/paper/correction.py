"""The error correction layer: lanes near -1, 0 and 1 become -1, 0 and 1.

With a fixed ε < ½, four ramps and two units that subtract the old value:

    v → [relu(v + 1 - ε) - relu(v + ε) + relu(v - ε) - relu(v - 1 + ε)] / (1 - 2ε) - 1

is -1 up to -1 + ε, 0 from -ε to ε, 1 from 1 - ε on, and linear between. ε = ¼ makes the slope 2 and
all weights powers of two or their sums, so that the layer adds no error of its own but the
rounding of its sums. (The paper's code computes ε from the state at every step; here the weights
are fixed.) A lane that is off by more than ε leaves the layer worse than it came: by 2 (|v| - ε).
"""

from __future__ import annotations

from collections.abc import Iterable

import torch

from looped.study.paper.layers import DTYPES, Construction, Lanes, Layer, Unit, cleared, unit_of
from looped.study.paper.norms import compute

__all__ = ["EPSILON", "correction", "correction_error", "correction_units"]

EPSILON = 0.25


def correction_units(one: int, lanes: Iterable[int]) -> list[Unit]:
    """Units that correct lanes; six for each, and one constant."""
    slope = 1 / (1 - 2 * EPSILON)
    units = []
    for lane in lanes:
        for bias, sign in ((1 - EPSILON, 1), (EPSILON, -1), (-EPSILON, 1), (EPSILON - 1, -1)):
            units.append(unit_of(one, {lane: 1.0, one: bias}, {lane: sign * slope}))
        units.append(unit_of(one, {one: 1.0}, {lane: -1.0}))
        units.extend(cleared(one, [lane]))
    return units


def correction() -> Construction:
    """The layer for one lane."""
    lanes = Lanes(one=1, lane=1)
    units = correction_units(lanes.first("one"), lanes["lane"])
    return Construction(lanes, [Layer(units=units)])


def correction_error(dtype: str, points: int = 1001) -> float:
    """The largest error after the layer, over a grid of all lanes within ε of -1, 0 and 1."""
    offsets = torch.linspace(-EPSILON, EPSILON, points, dtype=torch.float64)
    worst = 0.0
    for wanted in (-1.0, 0.0, 1.0):
        x = torch.ones(1, points, 2, dtype=DTYPES[dtype])
        x[0, :, 1] = (offsets * (1 - 2.0**-10) + wanted).to(x.dtype)
        got = compute(correction(), x)[0, :, 1].double()
        worst = max(worst, (got - wanted).abs().max().item())
    return worst
