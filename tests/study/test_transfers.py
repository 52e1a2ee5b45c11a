"""Reads and writes that patterns of heads show, against those of the reference."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import looped
from looped.artefact.plan import CompiledMachine
from looped.engines.dense import DenseEngine
from looped.image import Image
from looped.reference.subleq import Subleq
from looped.run.session import Session
from looped.study.transfers import transfers
from looped.study.watched import watch
from tests.conftest import compiled, examples

ROOT = Path(__file__).parents[2]


def session(machine: CompiledMachine, image: Image, data: bytes = b"") -> Session:
    return Session(machine, image, DenseEngine(machine), data)


@examples(0.4)
@given(st.lists(st.integers(0, 255), min_size=32, max_size=32))
def test_the_heads_of_subleq_read_and_write_what_the_reference_does(words: list[int]) -> None:
    """A head that reads finds the operands and their words; one that writes, the changed word."""
    machine = compiled("subleq", 8, 32)
    image = Image("subleq", 8, tuple(words))
    reference = Subleq(image.words, 8, 32, b"")
    for seen in islice(watch(session(machine, image)), 4):
        pc, size = reference.pc, 32
        a, b = (reference.memory[(pc + i) % size] for i in range(2))
        found = {t.head.name: t for t in transfers(seen.cache)}
        assert [found[name].answers for name in "abc"] == [(pc + i) % size for i in range(3)]
        assert found["mem_a"].answers == (a % size if a != 255 else machine.plan.input)
        assert found["mem_b"].answers == b % size
        assert found["mem_b"].carries == (reference.memory[b % size] != 0)
        assert found["write result"].asks == b % size
        assert found["write result"].writes(machine.plan.cpus)
        assert all(t.margin >= 1 for t in found.values())
        reference.step()


def test_a_loop_that_waits_for_input_is_left_out() -> None:
    image = looped.assemble(ROOT / "programs" / "subleq" / "echo.sasm")
    machine = looped.compile(image)
    seen = list(watch(session(machine, image, b"x\n")))
    reference = Subleq(image.words, 16, machine.plan.memory, b"x\n")
    for step in seen:
        assert step.cache.word("pc", -1) == reference.pc and not step.event.waiting
        reference.step()
    assert reference.halted and [s.step for s in seen] == list(range(1, len(seen) + 1))


@pytest.mark.slow
def test_loops_of_one_instruction_have_its_number() -> None:
    image = looped.assemble(ROOT / "programs" / "fleq" / "newton4.fleq", parameters={"side": 4})
    seen = list(islice(watch(session(looped.compile(image), image)), 20))
    assert [s.step for s in seen] == [1] * 16 + [2] * 4
    assert [s.loop for s in seen if s.first] == [1, 17]
