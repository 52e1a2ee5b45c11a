"""A short program comes to the instruction of a long one, with the same operands."""

from __future__ import annotations

import dataclasses
from dataclasses import replace

import pytest

from looped import registry
from looped.engines.event import EventEngine
from looped.profiles.riscv.served import ServedHart
from looped.reference import Rv32i, Subleq
from looped.trace import Step
from looped.verify.fuzz import Case, fuzz
from looped.verify.fuzz.campaign import failure_of, make_case
from tests.conftest import compiled

MEMORY = 64
MOST = 6
"""Steps of a leap at most: two registers loaded by two instructions each, a jump, and it."""


def subtraction(computer: Subleq) -> tuple[int, ...]:
    """The instruction that a computer is about to execute, and the words that it names."""
    words = [computer.memory[(computer.pc + k) % MEMORY] for k in range(3)]
    return (*words, *(computer.memory[word % MEMORY] for word in words[:2]))


def instruction(hart: Rv32i) -> tuple[int, ...]:
    """The word that a hart is about to execute, and its two registers."""
    word = hart.memory[(hart.pc >> 2) % MEMORY]
    return word, hart.x[word >> 15 & 31], hart.x[word >> 20 & 31]


def comes_to(case: Case, wanted: tuple[int, ...]) -> bool:
    """Whether a program soon is about to execute something."""
    if case.image.machine == "rv32i":
        run = ServedHart(case.image, MEMORY, case.data)
        states = (instruction(run.hart) for _ in range(MOST) if not run.halted)
    else:
        run = Subleq(case.image.words, case.image.width, MEMORY, case.data)
        states = (subtraction(run) for _ in range(MOST) if not run.halted)
    return any(state == wanted or run.step() is None for state in states)


@pytest.mark.parametrize(
    ("name", "width", "least"), [("subleq", 8, 35), ("subleq", 16, 35), ("rv32i", 32, 60)]
)
def test_one_of_them_comes_to_the_instruction_with_its_operands(
    name: str, width: int, least: int
) -> None:
    """Of 60; SUBLEQ often reads what stands at address 0, where a leap begins."""
    found = []
    for number in range(60):
        case = make_case(compiled(name, width, MEMORY).plan, 0, number)
        if name == "rv32i":
            run = ServedHart(case.image, MEMORY, case.data)
        else:
            run = Subleq(case.image.words, width, MEMORY, case.data)
        done = 0
        while done < 9 and not run.halted:
            wanted = instruction(run.hart) if name == "rv32i" else subtraction(run)
            run.step()
            done += 1
        shorter = registry.fuzz_profile(name).shortened_reproducers(case, MEMORY, done - 1)
        found.append(any(comes_to(program, wanted) for program in shorter))
    assert sum(found) >= least


class NoZero(Subleq):
    """Does not branch on a difference of zero."""

    def step(self) -> Step:
        step = super().step()
        if step.consumed is None and step.emitted is None and step.writes[0].value == 0:
            self.pc = (step.pc + 3) % (1 << self.width)
            step = dataclasses.replace(step, next_pc=self.pc)
        return step


class ShortShift(Rv32i):
    """Shifts nothing by 31."""

    def _set(self, rd: int, value: int) -> None:
        word = self.memory[self.index(self.pc)]
        amount = self.x[word >> 20 & 31] & 31
        shift = word & 0x7F == 0x33 and word >> 12 & 7 in (1, 5) and amount == 31
        super()._set(rd, self.x[word >> 15 & 31] if shift else value)


@pytest.mark.parametrize(
    ("name", "width", "wrong"), [("subleq", 16, NoZero), ("rv32i", 32, ShortShift)]
)
def test_a_failure_begins_just_before_it(
    name: str, width: int, wrong: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = registry.machine(name)
    monkeypatch.setitem(registry.registry._machines, name, replace(right, reference=wrong))
    machine = compiled(name, width, MEMORY)
    engine = EventEngine(machine)
    failure = fuzz(machine, engine, 64, seed=3).failure
    assert failure is not None
    assert failure.difference.step <= MOST
    assert failure_of(machine, engine, failure.case, MOST) == failure.difference
