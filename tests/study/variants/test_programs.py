"""The programs of the table: none comes to rest, and each uses what the machine has."""

from __future__ import annotations

from itertools import pairwise

import pytest

from looped.profiles.case import Case
from looped.profiles.subleq.generate import generate
from looped.reference import Subleq
from looped.registry import registry
from looped.study.variants.activity import activity
from looped.study.variants.programs import BITS, LEAST, MEMORY, long_programs
from tests.seeds import rng

STEPS = 300
HARVARD = pytest.mark.parametrize("harvard", [False, True], ids=["changing", "harvard"])


def states(case: Case, steps: int) -> list[tuple[int, ...]]:
    """The program counter and the memory before each instruction."""
    computer, found = Subleq(case.image.words, BITS, MEMORY, case.data), []
    for _ in range(steps):
        assert not computer.halted
        found.append((computer.pc, *computer.memory))
        computer.step()
    return found


@HARVARD
def test_no_state_comes_twice(harvard: bool) -> None:
    found = long_programs(3, STEPS, harvard)
    assert len({case.image.words for case in found}) == 3 and LEAST == STEPS
    for case in found:
        assert len(set(states(case, STEPS + 1))) == STEPS + 1


@HARVARD
def test_every_bit_of_a_word_changes(harvard: bool) -> None:
    for case in long_programs(3, STEPS, harvard):
        seen = states(case, STEPS + 1)
        pairs = pairwise(seen)
        written = {(a, b) for x, y in pairs for a, b in zip(x[1:], y[1:], strict=True) if a != b}
        assert {bit for a, b in written for bit in range(BITS) if (a ^ b) >> bit & 1} == {*range(8)}
        assert len({b for _, b in written}) >= 95


def test_each_changes_an_instruction_that_it_executes() -> None:
    for case in long_programs(3, STEPS):
        executed = {(s[0], *(s[1 + (s[0] + k) % MEMORY] for k in range(3))) for s in
                    states(case, STEPS)}  # fmt: skip
        assert len({pc for pc, *_ in executed}) < len(executed)


def test_the_code_of_a_harvard_machine_is_apart() -> None:
    for case in long_programs(3, STEPS, harvard=True):
        assert registry.machine("subleq").read_code(case.image, MEMORY).addresses
        assert max(pc for pc, *_ in states(case, STEPS)) < MEMORY


def test_fewer_steps_are_those_of_the_same_programs() -> None:
    assert long_programs(3, 5) == long_programs(3, STEPS) != long_programs(3, STEPS, harvard=True)


def test_activity_is_that_of_the_steps_that_were_asked_for() -> None:
    cases = [generate(rng(seed), BITS, MEMORY, seed) for seed in range(20)]
    found = [activity(case, BITS, MEMORY, 40) for case in cases]
    for case, one in zip(cases, found, strict=True):
        seen = states(case, one.steps)
        assert one.states == len(set(seen)) and one.counters == {pc for pc, *_ in seen}
    assert min(one.states for one in found) < 20 < max(one.steps for one in found)
