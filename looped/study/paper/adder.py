"""The binary adder: two words of N bits in one layer of 6 ReLU units per bit.

For words a, b of ±1 bits, least significant first, let s_i = Σ_{j≤i} 2^j (bit_j(a) + bit_j(b)), an
integer below 2^{i+2}. Bit i of the sum is

    [s_i ≥ 2^i] - [s_i ≥ 2·2^i] + [s_i ≥ 3·2^i],    [s ≥ t] = relu(s - t + 1) - relu(s - t)

for integers: between t - 1 and t the pair of ramps is a slope of 1. The paper needs this once to
add, once to negate and once for the next program counter.

The price. Ramps grow to 2^{N+1}, so a dtype of p mantissa bits holds them up to N = p - 1. And if
every bit of two words is off by δ, s is off by up to 2^N δ and a ±1 bit of the sum by 2^{N+1} δ.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from looped.study.paper.layers import DTYPES, Construction, Form, Lanes, Layer, Unit, unit_of
from looped.study.paper.norms import compute

__all__ = ["adder", "sum_units", "widest_adder", "wrong_sums"]

_THRESHOLDS = ((1.0, 1.0), (2.0, -1.0), (3.0, 1.0))


def sum_units(
    one: int,
    switch: int,
    words: Sequence[Sequence[int]],
    output: Sequence[int],
    flipped: Sequence[Sequence[int]] = (),
    plus: float = 0.0,
) -> list[Unit]:
    """Units that add the ±1 bits of a sum, modulo 2^N, to the lanes `output`.

    The sum is that of `words`, of the bitwise complements of `flipped`, and of `plus`, two words at
    most. All are lanes, least significant bit first. The lane `switch` carries the biases: where it
    and the words are 0, nothing happens.
    """
    units = []
    for i, lane in enumerate(output):
        total: dict[int, float] = {}
        for word, sign in [*((w, 1.0) for w in words), *((w, -1.0) for w in flipped)]:
            for j in range(i + 1):
                total[word[j]] = total.get(word[j], 0.0) + sign * 2.0**j / 2
        constant = plus + (len(words) + len(flipped)) * (2.0 ** (i + 1) - 1) / 2
        for multiple, sign in _THRESHOLDS:
            for k, ramp in ((1.0, 2.0), (0.0, -2.0)):
                gate: Form = {**total, switch: constant - multiple * 2.0**i + k}
                units.append(unit_of(one, gate, {lane: sign * ramp}))
        units.append(unit_of(one, {switch: 1.0}, {lane: -1.0}))
    return units


def adder(bits: int) -> Construction:
    """Two words of N bits and their sum, apart from them."""
    lanes = Lanes(one=1, a=bits, b=bits, out=bits)
    one = lanes.first("one")
    return Construction(
        lanes, [Layer(units=sum_units(one, one, [lanes["a"], lanes["b"]], lanes["out"]))]
    )


def wrong_sums(bits: int, dtype: str, seed: int, pairs: int = 300) -> int:
    """How many of some random pairs, and of the pairs of corner words, are added wrongly.

    A sum is right if each of its N lanes is within ½ of the bit.
    """
    machine = adder(bits)
    lanes, one = machine.lanes, machine.lanes.first("one")
    top = 1 << bits
    corners = [0, 1, top // 2 - 1, top // 2, top - 2, top - 1]
    drawn = np.random.default_rng(seed).integers(0, 2, (pairs, 2, bits))
    words = [[sum(int(v) << k for k, v in enumerate(w)) for w in pair] for pair in drawn]
    words += [[a, b] for a in corners for b in corners]
    x = torch.zeros(1, len(words), lanes.count, dtype=DTYPES[dtype])
    x[..., one] = 1.0
    for group, place in (("a", 0), ("b", 1)):
        x[0, :, list(lanes[group])] = _bits([pair[place] for pair in words], bits).to(x.dtype)
    got = compute(machine, x)[0, :, list(lanes["out"])].double()
    wanted = _bits([a + b for a, b in words], bits)
    return int(((got - wanted).abs() > 0.5).any(dim=1).sum())


def widest_adder(dtype: str, seed: int) -> int:
    """The largest N up to which all sums of `wrong_sums` are right."""
    bits = 2
    while wrong_sums(bits + 1, dtype, seed) == 0:
        bits += 1
    return bits


def _bits(values: Sequence[int], bits: int) -> torch.Tensor:
    rows = [[1.0 if value >> k & 1 else -1.0 for k in range(bits)] for value in values]
    return torch.tensor(rows, dtype=torch.float64)
