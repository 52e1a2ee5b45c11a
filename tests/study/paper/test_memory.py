"""Read and write by a half-permutation: the leak is what the formula says, in each dtype."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from looped.study.paper.layers import DTYPES, Construction, assemble, run
from looped.study.paper.memory import (
    access,
    code,
    leak_bound,
    paper_error,
    read_error,
    write_bound,
    write_error,
)
from looped.study.paper.product import rounding_unit

TEMPERATURES = (2.0, 4.0, 8.0, 12.0)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("temperature", TEMPERATURES)
def test_a_read_errs_by_the_leak_and_no_more(temperature: float, dtype: str) -> None:
    rounding = 4 * rounding_unit(dtype)
    assert read_error(16, temperature, dtype) <= leak_bound(temperature, 4) + rounding
    assert write_error(16, temperature, dtype) <= write_bound(temperature, 4) + rounding


@pytest.mark.parametrize("temperature", TEMPERATURES)
def test_the_bounds_are_reached(temperature: float) -> None:
    share = 0.99 if temperature >= 4 else 0.9
    assert read_error(16, temperature, "float64") >= share * leak_bound(temperature, 4)
    assert write_error(16, temperature, "float64") >= 0.85 * write_bound(temperature, 4)


def test_rounding_makes_a_small_leak_vanish() -> None:
    assert leak_bound(12.0, 5) > 0
    assert read_error(32, 12.0, "float32") == write_error(32, 12.0, "float32") == 0
    assert read_error(32, 12.0, "float64") > 0


def test_the_temperature_of_the_paper_is_enough() -> None:
    for error in (1e-2, 1e-4):
        temperature = 0.0
        while paper_error(16, temperature, access(16, 1.0, False).lanes.count) > error:
            temperature += 0.1
        assert read_error(16, temperature, "float64") <= error


def _one_read(machine: Construction, norm: type[nn.Module] | None) -> torch.Tensor:
    """Column 0 reads column 3 of 4, which holds +1 among -1."""
    lanes = machine.lanes
    x = torch.zeros(1, 4, lanes.count, dtype=torch.float64)
    x[..., lanes.first("one")] = 1
    x[0, 0, lanes.first("scratch")] = 1
    x[0, :, lanes.first("data")] = torch.tensor([-1.0, -1, -1, 1], dtype=torch.float64)
    for column in (1, 2, 3):
        x[0, column, list(lanes["position"])] = torch.tensor(code(column, 2)).double()
    x[0, 0, list(lanes["pointer"])] = torch.tensor(code(3, 2)).double()
    made = assemble(
        machine.layers,
        lanes.count,
        torch.float64,
        lambda width: nn.Identity() if norm is None else norm(width, eps=0.0),
    )
    return run(made, x) - x


def test_a_read_changes_the_scratchpad_alone() -> None:
    machine = access(4, 30.0, writes=False)
    changed = _one_read(machine, None)
    expected = torch.zeros_like(changed)
    expected[0, 0, machine.lanes.first("data")] = 2
    assert torch.allclose(changed, expected, atol=1e-12)


def test_a_plain_rms_norm_breaks_the_read() -> None:
    machine = access(4, 30.0, writes=False)
    changed = _one_read(machine, nn.RMSNorm)
    assert abs(changed[0, 0, machine.lanes.first("data")].item() - 2) > 0.1


@pytest.mark.parametrize("dtype", DTYPES)
def test_pinned_lanes_make_the_norm_the_identity(dtype: str) -> None:
    for temperature in TEMPERATURES:
        plain = read_error(16, temperature, dtype)
        held = read_error(16, temperature, dtype, largest=2.0)
        assert abs(plain - held) <= 4 * rounding_unit(dtype)
