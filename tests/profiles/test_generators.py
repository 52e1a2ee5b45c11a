"""Random programs are functions of their seed and number, and come to every kind of instruction."""

from __future__ import annotations

import pytest

from looped import registry
from looped.profiles.case import Coverage
from looped.profiles.fleq.generate import generate
from looped.reference import Fleq
from looped.verify.fuzz.campaign import make_case
from tests import seeds
from tests.conftest import compiled

MACHINES = [
    ("subleq", 8, 32),
    ("subleq", 16, 64),
    ("subleq", 32, 64),
    ("rv32i", 32, 64),
    ("rv32im", 32, 64),
    ("rv32ima", 32, 64),
    ("fleq", 32, 64),
]
PARAMETERS = {"fleq": {"fraction": 16, "side": 2}}
each = pytest.mark.parametrize(("name", "width", "memory"), MACHINES)


@each
def test_a_program_is_a_function_of_its_seed_and_number(name: str, width: int, memory: int) -> None:
    plan = compiled(name, width, memory, **PARAMETERS.get(name, {})).plan
    cases = [make_case(plan, seed, number) for seed in range(2) for number in range(4)]
    again = [make_case(plan, seed, number) for seed in range(2) for number in range(4)]
    assert cases == again
    assert len({case.image.words for case in cases}) == len(cases)
    assert all(len(case.image.words) == memory for case in cases)


@each
def test_every_class_of_instructions_comes_up(name: str, width: int, memory: int) -> None:
    parameters = PARAMETERS.get(name, {})
    plan = compiled(name, width, memory, **parameters).plan
    fuzzer = registry.fuzz_profile(name)
    total = Coverage()
    for number in range(500):
        total += fuzzer.observe(make_case(plan, 0, number), memory, 64, **parameters)
    assert set(total.classes) == set(fuzzer.classes(width, memory, **parameters))
    assert (total.programs, total.steps > 5000) == (500, True)


def test_programs_of_long_instructions_do_not_run_in_circles() -> None:
    """Half of the states that come up are new, and every program does a few instructions."""
    states, steps = set(), 0
    for number in range(100):
        case = generate(seeds.rng(number), 32, 64, number, fraction=16, side=2)
        computer = Fleq(case.image.words, 32, 64, side=2)
        for _ in range(64):
            if computer.halted:
                break
            states.add((computer.pc, tuple(computer.memory)))
            computer.step()
            steps += 1
    assert len(states) > steps / 2 and steps > 1000
