"""Every RV32I program does what its header says, and GNU as makes the same memory of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import looped
from looped.engines.event import EventEngine
from looped.errors import Source
from looped.registry import assemble
from looped.verify.lockstep import lockstep
from tests.conftest import compiled
from tests.lang.riscv import binutils
from tests.programs.headers import FOLDER, Program, c_programs, riscv_programs
from tests.programs.host import Run

ALL = riscv_programs()
each = pytest.mark.parametrize("program", ALL, ids=[p.path.stem for p in ALL])
WORDS = 256
_LONG = 3000


def marked(program: Program) -> object:
    """A program as a test's parameter; what is compared at many steps is slow."""
    marks = [pytest.mark.slow] if program.steps > _LONG else []
    return pytest.param(program, id=program.path.stem, marks=marks)


@pytest.fixture(scope="module")
def engine() -> EventEngine:
    return EventEngine(compiled("rv32i", 32, WORDS))


def test_there_are_enough() -> None:
    assert len(ALL) >= 12


@each
def test_the_reference_does_what_the_header_says(program: Program) -> None:
    run = Run(looped.assemble(program.path), program.input)
    run.until_exit(program.steps + 1)
    assert (bytes(run.output), run.steps, run.code) == (program.output, program.steps, 0)


@pytest.mark.parametrize("program", [marked(program) for program in ALL])
def test_the_transformer_equals_the_reference_at_every_step(
    program: Program, engine: EventEngine
) -> None:
    image = looped.assemble(program.path)
    verdict = lockstep(compiled("rv32i", 32, WORDS), engine, [image], [program.input])
    assert (verdict.steps, verdict.halted) == (program.steps, True)
    assert verdict.outputs == (program.output,)
    assert engine.fallbacks == 0


def test_the_text_in_the_documentation_says_hello() -> None:
    page = (FOLDER.parent / "docs" / "language.md").read_text()
    (text,) = re.findall(r"^```asm\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    run = Run(assemble(Source("language.md", text), machine="rv32i"))
    run.until_exit(100)
    assert (bytes(run.output), run.code) == (b"hello\n", 0)


def test_the_documentation_tells_the_steps_of_c_programs_as_their_headers_do() -> None:
    page = (FOLDER.parent / "docs" / "language.md").read_text()
    told = dict(re.findall(r"^\| `(\w+)\.c` \| .* \| ([\d,]+) \|$", page, re.MULTILINE))
    assert told == {p.path.stem: f"{p.steps:,}" for p in c_programs()}


if binutils.FOUND:

    @each
    def test_gnu_as_makes_the_same_memory(program: Program, tmp_path: Path) -> None:
        ours = binutils.without_zeros(list(looped.assemble(program.path).words))
        text = program.path.read_text()
        assert ours == binutils.loaded_words(text, tmp_path, include=FOLDER / "rv32i")
