"""The adder: as wide as the mantissa allows, and no wider; subtraction in one layer."""

from __future__ import annotations

import pytest
import torch

from looped.study.paper.adder import sum_units, wrong_sums
from looped.study.paper.layers import DTYPES, Construction, Lanes, Layer
from looped.study.paper.norms import compute
from looped.study.paper.table import ADDERS
from tests import seeds


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_widest_adder_is_one_bit_short_of_the_mantissa(dtype: str) -> None:
    mantissa = {"float16": 11, "float32": 24, "float64": 53}[dtype]
    assert ADDERS[dtype] == mantissa - 1
    assert wrong_sums(ADDERS[dtype], dtype, seeds.number(1)) == 0
    assert wrong_sums(ADDERS[dtype] + 1, dtype, seeds.number(1)) > 0


def test_all_differences_of_four_bits() -> None:
    lanes = Lanes(one=1, a=4, b=4, out=4)
    units = sum_units(0, 0, [lanes["b"]], lanes["out"], flipped=[lanes["a"]], plus=1.0)
    pairs = [(a, b) for a in range(16) for b in range(16)]
    x = torch.zeros(1, 256, lanes.count)
    x[..., 0] = 1
    for k, (a, b) in enumerate(pairs):
        for name, word in (("a", a), ("b", b)):
            x[0, k, list(lanes[name])] = torch.tensor([2.0 * (word >> j & 1) - 1 for j in range(4)])
    out = compute(Construction(lanes, [Layer(units=units)]), x)[0, :, list(lanes["out"])]
    assert out.abs().eq(1).all()
    words = [sum(int(bit > 0) << j for j, bit in enumerate(row)) for row in out.tolist()]
    assert words == [(b - a) % 16 for a, b in pairs]


def test_a_sum_leaves_columns_without_the_switch_alone() -> None:
    lanes = Lanes(one=1, switch=1, a=3, out=3)
    units = sum_units(0, 1, [lanes["a"]], lanes["out"], plus=1.0)
    x = torch.zeros(1, 1, lanes.count)
    x[..., 0] = 1
    assert torch.equal(compute(Construction(lanes, [Layer(units=units)]), x), x)


def test_an_error_of_the_bits_grows_by_two_to_the_word() -> None:
    """All ones plus one, each bit off by δ: the top bit is off by 2^{N+1} δ or so."""
    bits, delta = 8, 2.0**-20
    lanes = Lanes(one=1, a=bits, out=bits)
    units = sum_units(0, 0, [lanes["a"]], lanes["out"], plus=1.0)
    x = torch.ones(1, 1, lanes.count, dtype=torch.float64)
    x[..., list(lanes["out"])] = 0
    x[..., list(lanes["a"])] -= delta
    out = compute(Construction(lanes, [Layer(units=units)]), x)[0, 0, list(lanes["out"])]
    assert 0.4 * 2**bits * delta < (out + 1).abs().max() <= 2 ** (bits + 1) * delta
