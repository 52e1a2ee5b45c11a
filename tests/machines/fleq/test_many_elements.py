"""Random FLEQ instructions by the million elements, on the lifted engine beside the reference."""

from __future__ import annotations

import itertools

import pytest

from looped.engines.lifted import LiftedEngine
from tests import seeds
from tests.machines.fleq.stepping import Setting, elements_together, fleq, program, reference

SETTING = Setting(8, workers=8)


@pytest.mark.slow
@pytest.mark.parametrize("wanted", [1_000_000])
def test_random_elements_in_lockstep(wanted: int) -> None:
    """After each instruction every lane of every column is what the reference says."""
    machine = fleq(SETTING)
    engine, done = LiftedEngine(machine), 0
    for number in itertools.count():
        words = program(seeds.rng(f"elements {number}"), SETTING, large=True)
        plain = reference(words, SETTING)
        done += elements_together(engine, plain, machine.plan, 24)
        if done >= wanted:
            break
    assert engine.fallbacks == 0
    print(f"{done:,} elements of {number + 1:,} programs")
