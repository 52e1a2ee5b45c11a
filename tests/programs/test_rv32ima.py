"""Every RV32IMA program does what its header says, and the weights do the same at every step."""

from __future__ import annotations

import pytest

import looped
from looped.engines.event import EventEngine
from looped.reference import Rv32ima, machine_mode_system
from looped.verify.lockstep import lockstep
from tests.conftest import compiled
from tests.programs.headers import Program, machine_mode_programs

ALL = machine_mode_programs()
WORDS = 128
each = pytest.mark.parametrize("program", ALL, ids=[p.path.stem for p in ALL])


@each
def test_the_reference_does_what_the_header_says(program: Program) -> None:
    image = looped.assemble(program.path)
    assert image.machine == "rv32ima"
    hart, system = Rv32ima(image.words, 32, WORDS), machine_mode_system(image, program.input)
    output, steps = b"", 0
    while system.exit_code is None and steps <= program.steps:
        hart.step()
        service = system.after(hart)
        output += b"" if service is None else service.output
        steps += 1
    assert (output, steps, system.exit_code) == (program.output, program.steps, 0)


@pytest.mark.slow
@each
def test_the_event_engine_equals_the_reference_at_every_step(program: Program) -> None:
    machine = compiled("rv32ima", 32, WORDS)
    engine = EventEngine(machine)
    verdict = lockstep(machine, engine, [looped.assemble(program.path)], [program.input])
    assert (verdict.steps, verdict.outputs) == (program.steps, (program.output,))
    assert engine.fallbacks == 0
