"""Programs with input, output, traps and system calls do what their headers say, specialised."""

from __future__ import annotations

import numpy as np
import pytest

import looped
import looped.api
from looped.engines.event import EventEngine
from looped.engines.lifted import LiftedEngine
from looped.engines.lifted.specialised import Effort
from looped.run.session import Session
from tests.conftest import compiled
from tests.programs.headers import FOLDER, Program, programs, riscv_programs
from tests.seeds import rng

FEW = ("greet", "reverse")

EAGER = Effort(patience=40, share=0, beside=False)

ALL = [*programs(), *riscv_programs()]


def session(program: Program) -> Session:
    image = looped.assemble(program.path)
    machine = compiled(image.machine, image.width, looped.api.smallest_memory(image))
    engine = LiftedEngine(machine, effort=EAGER)
    return Session(machine, image, engine, program.input)


@pytest.mark.parametrize(
    "program",
    [
        pytest.param(p, marks=[] if p.path.stem in FEW and p.path.suffix == ".sasm" else slow)
        for slow in [[pytest.mark.slow]]
        for p in ALL
    ],
    ids=[f"{p.path.stem}{p.path.suffix}" for p in ALL],
)
def test_a_program_does_what_its_header_says(program: Program) -> None:
    run = session(program)
    random = rng(program.path.stem)
    while run.steps < program.steps:
        run.run(min(program.steps, run.steps + random.choice([1, 17, 100, 1000])))
    run.run()
    assert (run.output.kept, run.steps) == (program.output, program.steps)


@pytest.mark.slow
def test_every_limit_leaves_the_state_of_the_definition() -> None:
    image = looped.assemble(FOLDER / "subleq" / "sieve.sasm")
    machine = compiled("subleq", image.width, looped.api.smallest_memory(image))
    fast = Session(machine, image, LiftedEngine(machine, effort=EAGER))
    plain = Session(machine, image, EventEngine(machine))
    for limit in (1, 20, 150, 151, 400, 777, 1000):
        fast.run(limit)
        plain.run(limit)
        np.testing.assert_array_equal(fast.computer.engine.state(), plain.computer.engine.state())
