"""Campaigns: right machines pass, wrong ones do not, and it is all the same who does the work."""

from __future__ import annotations

import pytest

from looped.engines.event import EventEngine
from looped.profiles.case import Case
from looped.verify.fuzz import fuzz
from looped.verify.fuzz.campaign import failure_of, merge, parts, try_part
from looped.verify.fuzz.shrink import shrink
from tests.conftest import compiled
from tests.engines.faults import faults


def test_parts_are_all_numbers_once() -> None:
    assert [n for part in parts(100) for n in part] == list(range(100))


@pytest.mark.parametrize(("name", "width"), [("subleq", 8), ("subleq", 32), ("rv32i", 32)])
def test_right_machines_pass(name: str, width: int) -> None:
    machine = compiled(name, width, 32)
    outcome = fuzz(machine, EventEngine(machine), 64, seed=3)
    assert outcome.failure is None
    assert outcome.coverage.programs == 64


def test_the_outcome_of_parts_is_that_of_the_whole() -> None:
    machine = compiled("subleq", 8, 32)
    engine = EventEngine(machine)
    whole = fuzz(machine, engine, 80, seed=5)
    shared = merge(try_part(machine, engine, 5, numbers) for numbers in parts(80))
    assert shared == whole


@pytest.mark.parametrize("number", [3, 7])
def test_a_wrong_weight_is_found_and_the_program_is_made_small(number: int) -> None:
    machine = compiled("subleq", 8, 32)
    faulty = list(faults(machine, number + 1))[number]
    engine = EventEngine(faulty)
    failure = fuzz(faulty, engine, 32, seed=1).failure
    assert failure is not None
    steps = failure.difference.step

    def fails(case: Case) -> bool:
        return failure_of(faulty, engine, case, steps) is not None

    small = shrink(failure.case, fails)
    assert fails(small)
    assert sum(map(bool, small.image.words)) <= 6
