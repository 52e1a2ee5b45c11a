"""Lockstep of instructions that take many loops and write in several of them."""

from __future__ import annotations

import dataclasses

import pytest

import looped.api
from looped import registry
from looped.artefact.plan import CompiledMachine
from looped.engines.dense import DenseEngine
from looped.engines.engine import Engine
from looped.engines.event import EventEngine
from looped.errors import Source
from looped.image import Image
from looped.profiles.fleq.generate import generate
from looped.reference import Fleq
from looped.run.session import Session
from looped.trace import Step
from looped.verify.lockstep import Mismatch, lockstep
from tests import seeds
from tests.conftest import compiled

MEMORY = 64
TEXT = """
        matmul  A, B -> C
        print   C
        div     A, B -> C if k <= 0 goto end
        sqrt    C -> B
end:    halt
.side 2
.matrix A 2x2 2 1 1 3
.matrix B 2x2 1 0 -0.5 1
.zeros C 2x2
.scalar k 1
"""


def program() -> Image:
    return registry.assemble(Source("p.fleq", TEXT))


def machine(workers: int = 1) -> CompiledMachine:
    return compiled("fleq", 32, MEMORY, side=2).with_workers(workers)


def event(workers: int = 1) -> Engine:
    return EventEngine(machine(workers))


@pytest.mark.parametrize("workers", [1, 4])
def test_a_program_that_prints(workers: int) -> None:
    verdict = lockstep(machine(workers), event(workers), [program()], [b""])
    assert (verdict.steps, verdict.halted) == (5, True)
    assert verdict.outputs == (b"1.5 1\n-0.5 3\n",)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_a_program_that_prints_on_the_definition(workers: int) -> None:
    at_hand = machine(workers)
    verdict = lockstep(at_hand, DenseEngine(at_hand), [program()] * 2, [b""] * 2)
    assert (verdict.steps, verdict.halted) == (10, True)


class Backwards(Fleq):
    """Stores its elements from the last to the first."""

    def step(self) -> Step:
        step = super().step()
        return dataclasses.replace(step, writes=step.writes[::-1])


class Forgetful(Fleq):
    """Does not store the second element."""

    def step(self) -> Step:
        step = super().step()
        return dataclasses.replace(step, writes=step.writes[:1] + step.writes[2:])


@pytest.mark.parametrize("wrong", [Backwards, Forgetful])
def test_writes_are_compared_in_their_order(wrong: type, monkeypatch: pytest.MonkeyPatch) -> None:
    right = registry.machine("fleq")
    monkeypatch.setitem(
        registry.registry._machines, "fleq", dataclasses.replace(right, reference=wrong)
    )
    with pytest.raises(Mismatch, match="after step 1, the instruction at 0 .*mem.*word `value`"):
        lockstep(machine(), event(), [program()], [b""])


def test_a_bound_on_loops_comes_from_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    right = registry.machine("fleq")
    short = dataclasses.replace(right, most_loops=lambda width, fraction, side: 20)
    monkeypatch.setitem(registry.registry._machines, "fleq", short)
    with pytest.raises(Mismatch, match="`busy` is 1 and should be 0 by then"):
        lockstep(machine(), event(), [program()], [b""])


def steps_of(words: Image, workers: int, most: int) -> tuple[list[Step], list[Step]]:
    """The steps of a run on the machine and on the reference."""
    session = Session(machine(workers), words, event(workers))
    plain = Fleq(words.words, 32, MEMORY, side=2, workers=workers)
    found = list(session.walk(most))
    return found, [plain.step() for _ in found]


@pytest.mark.parametrize("workers", [1, 2])
def test_the_steps_of_a_run_are_those_of_the_reference(workers: int) -> None:
    """Several reads, writes and lines in one instruction."""
    found, wanted = steps_of(program(), workers, 10)
    assert len(found) == 5 and found == wanted


@pytest.mark.slow
def test_the_steps_of_random_programs_are_those_of_the_reference() -> None:
    """Unless an instruction rewrites itself: it is decoded before it does."""
    compared = 0
    for number in range(20):
        rng = seeds.rng(f"steps {number}")
        case = generate(rng, 32, MEMORY, number, fraction=16, side=2)
        for one, other in zip(*steps_of(case.image, 1 << number % 3, 12), strict=True):
            own = {(one.pc + k) % MEMORY for k in range(6)}
            if own.isdisjoint(write.address for write in other.writes):
                assert one == other
                compared += 1
    assert compared > 60


@pytest.mark.slow
@pytest.mark.parametrize("name", ["newton4", "calculator", "gram_schmidt", "life"])
def test_programs_are_equal_on_a_fast_engine(name: str) -> None:
    image = looped.api.assemble(f"programs/fleq/{name}.fleq")
    whole = looped.api.compile(image).with_workers(64)
    verdict = looped.api.verify(whole, image, engine=EventEngine(whole))
    assert verdict.halted
