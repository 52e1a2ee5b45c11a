"""Ranges, grids and bits against the numbers that the real model sees."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

import looped
from looped.precision import PRECISIONS, Precision
from looped.verify.certificate.columns import ColumnClass, column_classes
from looped.verify.certificate.rows import block_rows, grid_of
from looped.verify.certificate.sum_ranges import SumRange, block_sum_ranges
from looped.verify.certificate.value_ranges import block_value_ranges, value_ranges
from looped.verify.certificate.verdicts import numeric_verdict
from tests import seeds
from tests.conftest import compiled


def sums(width: int) -> dict[tuple[int, str], SumRange]:
    machine = compiled("subleq", width, 32)
    classes = column_classes(machine.plan)
    return {
        (block, extent.what): extent
        for block in range(len(machine.plan.blocks))
        for extent in block_sum_ranges(
            block, block_value_ranges(block_rows(machine, block), classes)
        )
    }


@pytest.mark.parametrize("width", [8, 16, 32])
def test_no_state_leaves_the_ranges_or_the_grids(width: int) -> None:
    """Random ±1 in every lane of the CPU that is not static, and in every memory word."""
    machine = compiled("subleq", width, 32)
    plan, told = machine.plan, sums(width)
    rng = seeds.generator(width)
    x = torch.tensor(looped.embed((), plan)).double().repeat(200, 1, 1)
    for columns in column_classes(plan):
        where = plan.cpu if columns.is_cpu else slice(0, plan.memory)
        for lane in columns.free:
            x[:, where, lane] = torch.tensor(rng.choice([-1.0, 1.0], x[:, where, lane].shape))
    for block, layer in enumerate(machine.model().double().transformer.layers):
        gate, up = layer.mlp.gate_proj(x), layer.mlp.up_proj(x)
        seen = {"gate": gate, "up": up, "hidden": gate.relu() * up}
        for name, values in seen.items():
            extent = told[block, name]
            assert float(extent.low) <= values.min() and values.max() <= float(extent.high)
            steps = values / float(extent.grid)
            assert torch.equal(steps, steps.round()), name


@pytest.mark.parametrize("width", [8, 16, 32])
def test_the_range_of_gates_is_reached(width: int) -> None:
    """The bounds are not only safe but right: some state attains them."""
    machine = compiled("subleq", width, 32)
    cpu = column_classes(machine.plan)[0]
    for block in range(len(machine.plan.blocks)):
        for row in block_rows(machine, block).gate:
            (span,) = value_ranges(row, [cpu])
            state = {lane: cpu.fixed.get(lane, 1 if c > 0 else -1) for lane, c in row.items()}
            assert sum(c * state[lane] for lane, c in row.items()) == span.high


SMALL = list(PRECISIONS.values())[2:]
signed = st.lists(st.integers(-1500, 1500).filter(bool), min_size=1, max_size=6)


def extent_of(coefficients: list[int]) -> SumRange:
    """The extent of a sum of these over ±1 lanes."""
    total, grid = sum(map(abs, coefficients)), grid_of(coefficients)
    bits = max(0, -(-total // int(grid)) - 1).bit_length()
    return SumRange(0, "sum", -total, total, grid, total, bits)


def summed(coefficients: list[int], dtype: torch.dtype) -> float:
    """The sum from left to right, rounded after each addition."""
    partial = torch.zeros((), dtype=dtype)
    for c in coefficients:
        partial = partial + torch.tensor(c, dtype=dtype)
    return float(partial)


@pytest.mark.parametrize("form", SMALL, ids=lambda form: form.name)
@given(signed, st.integers(0, 5))
def test_sums_that_fit_are_exact_in_any_order(
    form: Precision, coefficients: list[int], scale: int
) -> None:
    limit = 1 << form.mantissa
    size = sum(map(abs, coefficients)) // limit + 1
    fitting = [c // size << scale for c in coefficients if abs(c) >= size]
    assume(fitting and sum(map(abs, fitting)) <= limit << scale)
    assert extent_of(fitting).fits(form)
    for order in (fitting, fitting[::-1], sorted(fitting)):
        assert summed(order, getattr(torch, form.name)) == sum(fitting)


@pytest.mark.parametrize("form", SMALL, ids=lambda form: form.name)
@given(signed)
def test_sums_that_do_not_fit_are_rounded_for_some_signs(
    form: Precision, coefficients: list[int]
) -> None:
    """An odd sum of more than 2^mantissa is no number of the format: the rule is not idle."""
    limit = 1 << form.mantissa
    terms = [abs(c) for c in coefficients]
    terms.append(max(1, limit - sum(terms)))
    terms.append(1 if sum(terms) % 2 == 0 else 2)
    assert not extent_of(terms).fits(form)
    for order in (terms, terms[::-1], sorted(terms)):
        assert summed(order, getattr(torch, form.name)) != sum(terms)


def test_a_sum_of_one_bit_too_many_does_not_fit() -> None:
    bfloat16 = PRECISIONS["bfloat16"]
    fits = SumRange(0, "gate", -128, 128, 1, 256, 8)
    assert fits.fits(bfloat16) and not dataclasses.replace(fits, bits=9).fits(bfloat16)
    assert float(torch.tensor(257.0, dtype=torch.bfloat16)) != 257


def test_a_sum_too_large_or_too_fine_for_the_exponents_does_not_fit() -> None:
    """Of two bits each, which any mantissa holds."""
    bfloat16, float16 = PRECISIONS["bfloat16"], PRECISIONS["float16"]
    for grid in (Fraction(1 << 16), Fraction(1, 1 << 30)):
        sums = SumRange(0, "gate", -2 * grid, 2 * grid, grid, 3 * grid, 2)
        assert sums.fits(bfloat16) and not sums.fits(float16)


def test_the_grid_is_a_power_of_two_and_no_other_divisor() -> None:
    assert (grid_of([6, -18]), grid_of([12, 20]), grid_of([])) == (2, 4, 0)
    assert grid_of([Fraction(3, 4), 6]) == Fraction(1, 4)


def test_what_does_not_fit_is_told() -> None:
    machine = compiled("subleq", 16, 32)
    faults = numeric_verdict(machine, "bfloat16").faults
    assert "block 2, gate: sums need 18 bits of mantissa, the format has 8" in faults
    assert numeric_verdict(machine, "float32").faults == ()
    assert numeric_verdict(machine, "float32").columns is None


def test_columns_fall_into_classes() -> None:
    plan = compiled("subleq", 8, 32).plan
    classes: tuple[ColumnClass, ...] = column_classes(plan)
    assert [c.name for c in classes] == ["cpu", "mem[0] to mem[31]", "input"]
    assert [c.complete("position-1") for c in classes if not c.single] == [True]
    assert classes[1].free == set(plan.words["value"])
