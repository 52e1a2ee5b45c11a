"""Random programs are functions of their seed and number, and come to every kind of instruction."""

from __future__ import annotations

import pytest

from looped import registry
from looped.profiles.case import Coverage
from looped.verify.fuzz.campaign import make_case
from tests.conftest import compiled

MACHINES = [
    ("subleq", 8, 32),
    ("subleq", 16, 64),
    ("subleq", 32, 64),
    ("rv32i", 32, 64),
    ("rv32im", 32, 64),
]
each = pytest.mark.parametrize(("name", "width", "memory"), MACHINES)


@each
def test_a_program_is_a_function_of_its_seed_and_number(name: str, width: int, memory: int) -> None:
    plan = compiled(name, width, memory).plan
    cases = [make_case(plan, seed, number) for seed in range(2) for number in range(4)]
    again = [make_case(plan, seed, number) for seed in range(2) for number in range(4)]
    assert cases == again
    assert len({case.image.words for case in cases}) == len(cases)
    assert all(len(case.image.words) == memory for case in cases)


@each
def test_every_class_of_instructions_comes_up(name: str, width: int, memory: int) -> None:
    plan = compiled(name, width, memory).plan
    fuzzer = registry.fuzz_profile(name)
    total = Coverage()
    for number in range(500):
        total += fuzzer.observe(make_case(plan, 0, number), memory, 64)
    assert set(total.classes) == set(fuzzer.classes(width, memory))
    assert (total.programs, total.steps > 5000) == (500, True)
