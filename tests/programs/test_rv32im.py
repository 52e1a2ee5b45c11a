"""Every RV32IM program does what its header says, and GNU as makes the same memory of it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

import looped
from looped.engines.dense import DenseEngine
from looped.engines.event import EventEngine
from looped.engines.lifted import LiftedEngine
from looped.isa.rv32i import decode
from looped.isa.rv32im import EXTENSION
from looped.verify.lockstep import lockstep
from tests.conftest import compiled
from tests.lang.riscv import binutils
from tests.programs.headers import FOLDER, Program, c_programs, extended_programs
from tests.programs.host import Run

ALL = extended_programs()
SHORT = [program for program in ALL if program.steps < 500]
WORDS = 128
COMPILER = "riscv64-unknown-elf-gcc"
LOOPS = {name: 10 if name.startswith("mul") else 18 for name in EXTENSION}
each = pytest.mark.parametrize("program", ALL, ids=[p.path.stem for p in ALL])


@each
def test_the_reference_does_what_the_header_says(program: Program) -> None:
    image = looped.assemble(program.path)
    assert image.machine == "rv32im"
    run = Run(image, program.input)
    run.until_exit(program.steps + 1)
    assert (bytes(run.output), run.steps, run.code) == (program.output, program.steps, 0)


@pytest.mark.parametrize("program", SHORT, ids=[p.path.stem for p in SHORT])
def test_the_event_engine_equals_the_reference_at_every_step(program: Program) -> None:
    machine = compiled("rv32im", 32, WORDS)
    engine = EventEngine(machine)
    verdict = lockstep(machine, engine, [looped.assemble(program.path)], [program.input])
    assert (verdict.steps, verdict.outputs) == (program.steps, (program.output,))
    assert engine.fallbacks == 0


@pytest.mark.slow
def test_the_lifted_engine_equals_the_reference_at_every_step() -> None:
    machine = compiled("rv32im", 32, WORDS)
    engine = LiftedEngine(machine)
    for program in ALL:
        verdict = lockstep(machine, engine, [looped.assemble(program.path)], [program.input])
        assert (verdict.steps, verdict.outputs) == (program.steps, (program.output,))
    assert engine.fallbacks == 0


@pytest.mark.slow
@each
def test_the_dense_engine_equals_the_reference_for_a_while(program: Program) -> None:
    machine = compiled("rv32im", 32, WORDS)
    image = looped.assemble(program.path)
    verdict = lockstep(machine, DenseEngine(machine), [image], [program.input], steps=40)
    assert verdict.steps == 40


if binutils.FOUND:

    @each
    def test_gnu_as_makes_the_same_memory(program: Program, tmp_path: Path) -> None:
        ours = binutils.without_zeros(list(looped.assemble(program.path).words))
        text = program.path.read_text()
        assert ours == binutils.loaded_words(text, tmp_path, include=FOLDER / "rv32im")


if shutil.which(COMPILER):

    def test_a_c_program_takes_an_eighth_of_the_loops_that_it_takes_without(tmp_path: Path) -> None:
        """Other compilers than GCC 12.2 may differ from what the documentation tells, somewhat."""
        flags = (
            "-march=rv32im -mabi=ilp32 -O2 -ffreestanding -nostdlib -T programs/c/lib/program.ld"
        )
        sources = [f"programs/c/{name}" for name in ("lib/crt0.s", "lib/system.c", "mandelbrot.c")]
        command = [COMPILER, *flags.split(), *sources, "-lgcc", "-o", str(tmp_path / "m.elf")]
        subprocess.run(command, cwd=FOLDER.parent, check=True, capture_output=True)
        (base,) = (program for program in c_programs() if program.path.stem == "mandelbrot")
        run = Run(looped.assemble(tmp_path / "m.elf"))
        loops = 0
        while run.code is None and run.steps < base.steps:
            word = run.machine.memory[run.machine.pc >> 2]
            instruction = decode(word, EXTENSION)
            loops += 1 if instruction is None else LOOPS[instruction.mnemonic]
            run.until_exit(run.steps + 1)
        assert (bytes(run.output), run.code) == (base.output, 0)
        assert loops < base.steps / 8
