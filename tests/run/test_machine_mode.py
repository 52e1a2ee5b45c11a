"""Records and steps of RV32IMA: atomic instructions, control registers, traps into a handler."""

from __future__ import annotations

import pytest

import looped
from looped import api, registry
from looped.errors import Source
from looped.image import Image
from looped.run.session import Session
from looped.verify.expected import Expected
from tests.conftest import compiled
from tests.machines.test_rv32ima import EVERYTHING, MEMORY
from tests.programs.headers import machine_mode_programs
from tests.run.test_replay import compare

PROGRAMS = [pytest.param(p.path, id=p.path.stem) for p in machine_mode_programs()]


def session(image: Image) -> Session:
    machine = compiled("rv32ima", 32, MEMORY)
    return Session(machine, image, api.choose_engine(machine, "event"))


def everything() -> Image:
    return registry.assemble(Source("p.s", EVERYTHING), machine="rv32ima")


def steps_are_those_of_the_reference(image: Image) -> None:
    run = session(image)
    expected = Expected(image, run.machine.plan, b"")
    for found in run.walk():
        wanted = expected.step()
        assert wanted is not None
        where = f"after {run.steps} steps, at {wanted.pc:#x}"
        for name in ("pc", "next_pc", "reads", "writes", "cause", "written"):
            assert getattr(found, name) == getattr(wanted, name), f"{where}: {name}"
        assert sorted(found.registers, key=str) == sorted(wanted.registers, key=str), where
    assert expected.halted


@pytest.mark.slow
def test_records_say_what_every_kind_of_instruction_does() -> None:
    records = compare(session(everything()), b"")
    texts = [record.text for record in records]
    assert any(text.startswith("amoadd.w") for text in texts)
    itself = next(r for r in records if r.writes and r.writes[0].address == r.pc)
    assert [w.register for w in itself.registers] == [13]


@pytest.mark.slow
def test_steps_say_what_every_kind_of_instruction_does() -> None:
    steps_are_those_of_the_reference(everything())


@pytest.mark.slow
@pytest.mark.parametrize("path", PROGRAMS)
def test_programs_have_the_records_and_steps_of_the_reference(path: str) -> None:
    compare(session(looped.assemble(path)), b"")
    steps_are_those_of_the_reference(looped.assemble(path))
