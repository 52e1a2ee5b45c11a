"""Liveness: no two words in one lane at a time, lanes reused, d_model that keeps the norm exact."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from looped.compiler.layout import Layout, allocate, padded_width
from looped.compiler.schedule import cleared, schedule
from looped.machines import MACHINES


def layouts(width: int, memory: int = 64) -> list[Layout]:
    return [allocate(schedule(m.circuit(width, memory))) for m in MACHINES.values()]


@pytest.mark.parametrize("width", [8, 16, 32])
def test_no_two_tenants_of_a_lane_overlap(width: int) -> None:
    for layout in layouts(width):
        for tenants in layout.tenants:
            assert not any(a.overlaps(b) for a, b in itertools.combinations(tenants, 2))


@pytest.mark.parametrize("width", [8, 16, 32])
def test_every_use_lies_within_the_tenancy(width: int) -> None:
    for machine in MACHINES.values():
        scheduled = schedule(machine.circuit(width, 64))
        layout = allocate(scheduled)
        tenancies = {t.lane: t for tenants in layout.tenants for t in tenants}
        for lane, phase in scheduled.last_use.items():
            assert scheduled.made[lane] == tenancies[lane].start < phase
            assert cleared(phase) <= tenancies[lane].end


def test_lanes_are_reused() -> None:
    for layout in layouts(16):
        assert len(layout) < sum(len(tenants) for tenants in layout.tenants) * 0.75


def test_a_result_takes_the_place_of_its_operand() -> None:
    layout = layouts(16)[0]
    places = {t.lane: i for i, tenants in enumerate(layout.tenants) for t in tenants}
    by_name = {str(lane): index for lane, index in places.items()}
    assert all(by_name[f"result.{i}"] == by_name[f"mem_b.{i}"] for i in range(16))


@pytest.mark.parametrize("lanes", range(30, 400, 7))
@pytest.mark.parametrize("n_heads", [1, 2, 3, 4])
def test_padded_width_keeps_the_mean_exact(lanes: int, n_heads: int) -> None:
    d_model = padded_width(lanes, n_heads)
    assert d_model >= lanes and d_model % n_heads == 0
    for kind in (np.float32, np.float64):
        assert kind(d_model) * (kind(1) / kind(d_model)) == 1
