"""A snap makes ±1 of everything within 1/2 of it, to the bit, in every format."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from looped.nn import GatedMLP
from looped.nn.snap import UNITS_A_LANE
from looped.passes.snap import with_snap
from tests.conftest import compiled

WIDTH = 3
DTYPES = (torch.float64, torch.float32, torch.float16, torch.bfloat16)


def snap(dtype: torch.dtype) -> GatedMLP:
    """The snap of lanes 1 and 2; lane 0 is the constant."""
    mlp = GatedMLP(WIDTH, UNITS_A_LANE * 2).requires_grad_(False)
    for weight in mlp.parameters():
        weight.zero_()
    for place, lane in enumerate((1, 2)):
        double, above, below = range(UNITS_A_LANE * place, UNITS_A_LANE * (place + 1))
        mlp.gate_proj.weight[double, 0] = mlp.up_proj.weight[double, lane] = 1
        mlp.gate_proj.weight[above, [lane, 0]] = torch.tensor([2.0, -1.0])
        mlp.gate_proj.weight[below, [lane, 0]] = torch.tensor([-2.0, -1.0])
        mlp.up_proj.weight[[above, below], 0] = 1
        mlp.down_proj.weight[lane, [double, above, below]] = torch.tensor([1.0, -1.0, 1.0])
    return mlp.to(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@given(first=st.floats(0.5, 1.5), second=st.floats(-1.5, -0.5))
def test_a_snap_is_exact(dtype: torch.dtype, first: float, second: float) -> None:
    x = torch.tensor([[1.0, first, second]], dtype=dtype)
    found = x + snap(dtype)(x)
    assert torch.equal(found, torch.tensor([[1.0, 1.0, -1.0]], dtype=dtype))


def test_every_number_of_a_small_format_is_snapped() -> None:
    bits = torch.arange(1 << 16, dtype=torch.int32).to(torch.int16)
    for dtype in (torch.float16, torch.bfloat16):
        near = bits.view(dtype)
        near = near[(near.abs() >= 0.5) & (near.abs() <= 1.5)]
        x = torch.stack([torch.ones_like(near), near, near], dim=1)
        found = x + snap(dtype)(x)
        assert torch.equal(found[:, 1], near.sign()) and len(near) > 100


def test_beyond_one_half_a_snap_is_not_exact() -> None:
    x = torch.tensor([[1.0, 0.49, -0.2]])
    assert not torch.equal((x + snap(torch.float32)(x)).abs(), torch.ones_like(x))


def test_the_compiler_makes_this_snap() -> None:
    machine = with_snap(compiled("subleq", 8, 32))
    block = machine.model().transformer.layers[0]
    lanes = list(machine.plan.snapped)
    x = torch.full((1, machine.plan.d_model), -1.0)
    x[0, machine.plan.words["one"][0]] = 1
    noisy = x.clone()
    noisy[0, lanes] += torch.linspace(-0.5, 0.5, len(lanes))
    assert torch.equal(noisy + block.snap(noisy), x)
    assert torch.equal(x + block.snap(x), x)
