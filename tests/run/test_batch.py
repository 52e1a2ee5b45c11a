"""A program with many inputs: each one runs as if it were alone, on every engine."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from looped import api
from looped.artefact.embedding import embed
from looped.engines.auto import ENGINES
from looped.engines.dense import DenseEngine
from looped.engines.engine import Engine
from looped.engines.lifted import LiftedEngine
from looped.errors import Source
from looped.image import Image
from looped.registry import assemble
from looped.run.batch import Limits, Outcome, run_batch
from looped.run.interrupts import End
from looped.run.session import Session
from tests import seeds
from tests.conftest import compiled, examples

ECHO = Image(
    "subleq", 8, (255, 20, 3, 20, 255, 6, 21, 20, 12, 22, 22, 0, 22, 22, 255, *[0] * 6, 255)
)
"""Copies its input; the end of the input, all ones, comes out as a byte, too."""

MANY = [b"", b"a", b"hello", b"abcabcabcabc", bytes(range(9))]


@pytest.fixture(scope="module", params=["lifted", "dense"])
def engine(request: pytest.FixtureRequest) -> Engine:
    return ENGINES[request.param](compiled("subleq", 8, 32), "float32", "cpu", False)


def alone(engine: Engine, data: bytes, steps: int | None) -> tuple[object, ...]:
    session = Session(compiled("subleq", 8, 32), ECHO, engine, data)
    end = session.run(steps)
    return end, session.steps, session.computer.pc(), session.output.kept


def parts(outcome: Outcome) -> tuple[object, ...]:
    return outcome.end, outcome.steps, outcome.pc, outcome.output


@examples(0.06)
@given(st.lists(st.binary(max_size=6), min_size=1, max_size=5), st.integers(1, 60))
def test_each_input_has_the_outcome_that_it_has_alone(
    engine: Engine, inputs: list[bytes], steps: int
) -> None:
    found = run_batch(compiled("subleq", 8, 32), ECHO, inputs, engine, Limits(steps))
    single = LiftedEngine(compiled("subleq", 8, 32)) if not hasattr(engine, "twin") else engine
    assert [parts(outcome) for outcome in found] == [alone(single, d, steps) for d in inputs]


def test_programs_of_a_batch_halt_one_by_one(engine: Engine) -> None:
    found = run_batch(compiled("subleq", 8, 32), ECHO, MANY, engine)
    assert {outcome.end for outcome in found} == {End.HALTED}
    assert [outcome.output for outcome in found] == [data + b"\xff" for data in MANY]


def test_limits_are_those_of_each_program(engine: Engine) -> None:
    found = run_batch(compiled("subleq", 8, 32), ECHO, MANY, engine, Limits(output=3))
    assert [(outcome.end, outcome.output) for outcome in found] == [
        (End.OUTPUT if len(data) >= 3 else End.HALTED, (data + b"\xff")[:3]) for data in MANY
    ]


def test_no_inputs_are_no_runs(engine: Engine) -> None:
    assert run_batch(compiled("subleq", 8, 32), ECHO, [], engine) == []


EXIT = """
        li a0, 0
        la a1, text
        li a2, 8
        li a7, 63
        ecall                   # read
        mv s0, a0
        mv a2, a0
        li a0, 1
        la a1, text
        li a7, 64
        ecall                   # write
        mv a0, s0
        li a7, 93
        ecall                   # exit with the number of bytes
text:   .word 0, 0
"""


@pytest.mark.slow
def test_each_program_has_a_host_of_its_own() -> None:
    image = assemble(Source("exit.s", EXIT), machine="rv32i")
    machine = compiled("rv32i", 32, 64)
    found = run_batch(machine, image, [b"abc", b"", b"hello"], DenseEngine(machine))
    assert [(outcome.output, outcome.exit_code) for outcome in found] == [
        (b"abc", 3),
        (b"", 0),
        (b"hello", 5),
    ]


@pytest.mark.slow
def test_a_batch_of_auto_waits_for_machine_code() -> None:
    machine = api.compile(ECHO)
    notes: list[str] = []
    engine = api.choose_engine(machine, report=notes.append)
    found = run_batch(machine, ECHO, MANY, engine)
    assert [outcome.output for outcome in found] == [data + b"\xff" for data in MANY]
    assert notes[-1] == "engine: lifted"


LOOPS: dict[str, tuple[Callable[[], Engine], int]] = {
    "lifted": (lambda: LiftedEngine(compiled("subleq", 8, 32)), 5_000),
    "dense": (lambda: DenseEngine(compiled("subleq", 8, 32)), 40),
}


@pytest.mark.parametrize("kind", LOOPS)
def test_streams_side_by_side_have_the_states_that_they_have_alone(kind: str) -> None:
    """In several threads, or in one forward pass; bit for bit."""
    make, loops = LOOPS[kind]
    plan, rng = compiled("subleq", 8, 32).plan, seeds.generator(5)
    programs = rng.integers(0, 256, (6, 32)).tolist()
    streams = np.stack([embed(words, plan) for words in programs])
    together, single = make(), make()
    if isinstance(together, LiftedEngine):
        together.threads = 3
    together.load(streams)
    together.step(loops)
    found = together.state()
    for number, stream in enumerate(streams):
        single.load(stream[None])
        single.step(loops)
        assert np.array_equal(single.state()[0], found[number])


def test_a_fallback_in_a_thread_is_the_definition(monkeypatch: pytest.MonkeyPatch) -> None:
    """Streams whose lanes are not ±1 fall back in each pass, one at a time."""
    monkeypatch.setattr("looped.engines.lifted.engine._FEW", 0)
    machine = compiled("subleq", 8, 32)
    x = np.stack([embed((9, 9, 0), machine.plan)] * 3).astype(np.float64)
    x[1, 20, machine.plan.words["value"][0]] = 0.5
    together, dense = LiftedEngine(machine), DenseEngine(machine)
    together.threads = 3
    for engine in (together, dense):
        engine.load(x)
        engine.step(6)
    assert together.fallbacks == 6
    assert np.array_equal(together.state(), dense.state())
