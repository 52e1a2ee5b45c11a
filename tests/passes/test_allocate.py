"""Liveness: no two words in one lane at a time, lanes reused, d_model that keeps the norm exact."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from looped import registry
from looped.passes.allocate import Layout, allocate, padded_width
from looped.passes.fuse_reads import fuse_reads
from looped.passes.schedule import cleared, schedule

EVERY = [(name, width) for name in registry.names() for width in registry.machine(name).widths]


def layout_of(name: str, width: int) -> Layout:
    return allocate(schedule(fuse_reads(registry.machine(name).circuit(width, 64))))


@pytest.mark.parametrize(("name", "width"), EVERY)
def test_no_two_live_ranges_of_a_lane_overlap(name: str, width: int) -> None:
    for held in layout_of(name, width).occupants:
        assert not any(a.overlaps(b) for a, b in itertools.combinations(held, 2))


@pytest.mark.parametrize(("name", "width"), EVERY)
def test_every_use_lies_within_the_live_range(name: str, width: int) -> None:
    """A lane onto which a head reads is used until then, and not cleared."""
    scheduled = schedule(fuse_reads(registry.machine(name).circuit(width, 64)))
    layout = allocate(scheduled)
    ranges = {t.lane: t for held in layout.occupants for t in held}
    for lane, phase in scheduled.last_use.items():
        live = ranges[lane]
        assert scheduled.made[lane] == live.start <= phase
        if lane in scheduled.coalesced_into:
            assert ranges[scheduled.coalesced_into[lane]].start == live.end == phase
            assert layout.index[scheduled.coalesced_into[lane]] == layout.index[lane]
        else:
            assert live.start < phase and cleared(phase) <= live.end


@pytest.mark.parametrize(("name", "width"), EVERY)
def test_lanes_are_reused(name: str, width: int) -> None:
    layout = layout_of(name, width)
    assert len(layout) < sum(len(held) for held in layout.occupants) * 0.8


def test_a_result_takes_the_place_of_its_operand() -> None:
    layout = layout_of("subleq", 16)
    places = {t.lane: i for i, held in enumerate(layout.occupants) for t in held}
    by_name = {str(lane): index for lane, index in places.items()}
    assert all(by_name[f"result.{i}"] == by_name[f"mem_b.{i}"] for i in range(16))


@pytest.mark.parametrize("lanes", range(30, 400, 7))
@pytest.mark.parametrize("n_heads", [1, 2, 3, 4])
def test_padded_width_keeps_the_mean_exact(lanes: int, n_heads: int) -> None:
    d_model = padded_width(lanes, n_heads)
    assert d_model >= lanes and d_model % n_heads == 0
    for kind in (np.float32, np.float64):
        assert kind(d_model) * (kind(1) / kind(d_model)) == 1
