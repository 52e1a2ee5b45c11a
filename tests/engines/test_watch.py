"""Certain lanes make a pass the last one, or keep it from being counted."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from looped.api import ENGINES
from looped.artefact.embedding import embed
from looped.engines.dense import DenseEngine
from looped.engines.engine import NO_LANES, Engine, Watch
from tests.conftest import compiled, examples

WORDS = (9, 255, 0, 10, 10, 0, 0, 0, 0, 65, 0)
"""Puts out a byte, jumps back, and so on: every other pass leaves `writing` at +1."""


@pytest.mark.parametrize("engine", ENGINES.values(), ids=ENGINES)
@pytest.mark.parametrize("sound", [True, False])
def test_passes_in_mid_instruction_do_not_count(engine: Callable[..., Engine], sound: bool) -> None:
    """Also where each pass is given up to the dense engine, for a lane that is not ±1."""
    machine = compiled("subleq", 8, 32)
    plan = machine.plan
    x = embed(WORDS, plan)[None].astype(np.float64)
    if not sound:
        x[0, 20, plan.words["value"][0]] = 0.5
    one, other = (engine(machine, "float32", "cpu", False) for _ in range(2))
    for each in (one, other):
        each.load(x)
    writing = np.array(plan.words["writing"])
    assert one.advance(5, Watch(plan.cpu, NO_LANES, writing)) == 5
    other.step(10)
    assert np.array_equal(one.state(), other.state())
    assert one.advance(5, Watch(plan.cpu, writing, writing)) == 1
    assert one.advance(5, Watch(plan.cpu, writing)) == 2
    other.step(3)
    assert np.array_equal(one.state(), other.state())


@pytest.mark.parametrize("engine", [ENGINES["lifted"], ENGINES["event"]], ids=["lifted", "event"])
def test_passes_that_do_not_count_for_long_are_no_fallbacks(engine: Callable[..., Engine]) -> None:
    """A program stays in the addresses from 16 on for 5,999 passes, then it jumps to 0."""
    machine = compiled("subleq", 16, 32)
    plan = machine.plan
    words = [30, 30, 16, *[0] * 13, 28, 29, 0, 30, 30, 16, *[0] * 6, 1, 3000, 0]
    one, other = (engine(machine, "float32", "cpu", False) for _ in range(2))
    for each in (one, other):
        each.load(embed(words, plan)[None])
    inside = np.array(plan.words["pc"][4:5])
    assert one.advance(1, Watch(plan.cpu, NO_LANES, inside)) == 1
    other.step(6000)
    assert np.array_equal(one.state(), other.state())
    assert one.fallbacks == other.fallbacks == 0
    assert one.advance(1, Watch(plan.cpu, inside, inside)) == 1


@pytest.mark.parametrize("engine", ENGINES.values(), ids=ENGINES)
@examples(0.1)
@given(
    pcs=st.sets(st.sampled_from([0, 3, 6, 9, 200, 300]), max_size=3),
    calls=st.lists(st.integers(1, 40), min_size=1, max_size=4),
    waits=st.booleans(),
)
def test_a_pattern_ends_a_stretch(
    engine: Callable[..., Engine], pcs: set[int], calls: list[int], waits: bool
) -> None:
    """Program counters as patterns, against single passes; those of `waits` do not count."""
    plan, one, other = compiled("subleq", 8, 32).plan, _begun(engine), _begun(DenseEngine)
    places = np.array(plan.words["pc"])
    rows = [[pc >> bit & 1 for bit in range(len(places))] for pc in pcs]
    patterns = np.array(rows, np.bool_).reshape(len(rows), len(places))
    quiet = np.array(plan.words["writing"]) if waits else NO_LANES
    watch = Watch(plan.cpu, NO_LANES, quiet, places, patterns)
    for loops in calls:
        done, stop = 0, False
        while done < loops and not stop:
            other.step()
            counts = not (other.read(plan.cpu, quiet)[0] > 0).any()
            bits = (other.read(plan.cpu, places)[0] > 0).tolist()
            stop = counts and sum(bit << n for n, bit in enumerate(bits)) in pcs
            done += counts
        assert one.advance(loops, watch) == done
        assert np.array_equal(one.state(), other.state())


def _begun(engine: Callable[..., Engine]) -> Engine:
    machine = compiled("subleq", 8, 32)
    made = engine(machine, "float32", "cpu", False)
    made.load(embed(WORDS, machine.plan)[None])
    return made
