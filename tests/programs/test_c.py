"""Every C program, built where a compiler is installed, does what its header says.

How many steps a program takes is the compiler's affair: headers tell those of GCC 12.2, and a
program is stopped after twice as many.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

import looped
from looped.devices import riscv_host
from looped.engines.event import EventEngine
from looped.engines.lifted import LiftedEngine
from looped.errors import Source
from looped.registry import assemble
from looped.run.computer import Computer
from looped.verify.lockstep import lockstep
from tests.conftest import compiled
from tests.programs.headers import FOLDER, Program, c_programs
from tests.programs.host import Run

ALL = c_programs()
COMPILER = "riscv64-unknown-elf-gcc"
LARGEST = 1 << 15
"""Words of memory that a machine has at most."""

ENOUGH = 1 << 13
"""Words of memory in which all of them run."""

_LONG = 1_000_000


def marked(program: Program) -> object:
    """A program as a test's parameter; what runs for long is slow."""
    marks = [pytest.mark.slow] if program.steps > _LONG else []
    return pytest.param(program, id=program.path.stem, marks=marks)


def test_there_are_programs_of_a_million_steps_and_more() -> None:
    assert len(ALL) >= 8
    assert sum(program.steps > _LONG for program in ALL) >= 2


if shutil.which(COMPILER):

    @pytest.fixture(scope="module")
    def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
        """The folder with all ELF files, as `make programs-c` makes them."""
        folder = tmp_path_factory.mktemp("c")
        command = ["make", "-s", "-C", str(FOLDER.parent), "programs-c", f"C_BUILD={folder}"]
        result = subprocess.run(command, capture_output=True, text=True)
        assert (result.returncode, result.stderr) == (0, "")
        return folder

    @pytest.mark.parametrize("program", [marked(program) for program in ALL])
    def test_the_reference_does_what_the_header_says(program: Program, built: Path) -> None:
        image = looped.assemble(built / f"{program.path.stem}.elf")
        assert len(image.words) <= LARGEST
        run = Run(image, program.input)
        run.until_exit(2 * program.steps)
        assert (bytes(run.output), run.code) == (program.output, 0)

    @pytest.fixture(scope="module")
    def engine() -> LiftedEngine:
        return LiftedEngine(compiled("rv32i", 32, ENOUGH))

    @pytest.mark.parametrize("program", [marked(program) for program in ALL])
    def test_the_transformer_does_what_the_header_says(
        program: Program, built: Path, engine: LiftedEngine
    ) -> None:
        image = looped.assemble(built / f"{program.path.stem}.elf")
        host = riscv_host(image, program.input)
        plan = compiled("rv32i", 32, ENOUGH).plan
        computer = Computer(plan, engine, [image.words], [b""], [image.entry], [host])
        steps, output = 0, bytearray()
        while not computer.halted() and steps < 2 * program.steps:
            done, event = computer.advance(program.steps)
            steps += done + 1
            output += event.written
        assert (bytes(output), computer.halted()) == (program.output, True)
        assert engine.fallbacks == 0

    @pytest.mark.slow
    @pytest.mark.parametrize("program", ALL, ids=[program.path.stem for program in ALL])
    def test_the_event_engine_and_the_reference_agree_for_a_while(
        program: Program, built: Path
    ) -> None:
        image = looped.assemble(built / f"{program.path.stem}.elf")
        engine = EventEngine(compiled("rv32i", 32, ENOUGH))
        verdict = lockstep(compiled("rv32i", 32, ENOUGH), engine, [image], [program.input], 1000)
        assert verdict.steps == min(1000, program.steps)

    def test_what_gcc_compiles_to_assembly_is_assembled_unchanged() -> None:
        program = next(program for program in ALL if program.path.stem == "queens")
        text = f'#include "{program.path}"\n#include "{FOLDER}/c/lib/system.c"\n'
        flags = ["-march=rv32i", "-mabi=ilp32", "-O2", "-ffreestanding", "-S", "-o", "-"]
        flags.append("-fno-tree-loop-distribute-patterns")
        command = [COMPILER, *flags, "-x", "c", "-"]
        result = subprocess.run(command, input=text, capture_output=True, text=True, check=True)
        start = (FOLDER / "c" / "lib" / "crt0.s").read_text()
        source = Source("queens.s", "\n".join([start, result.stdout, _DIVISION, _STACK]))
        run = Run(assemble(source))
        run.until_exit(2 * program.steps)
        assert (bytes(run.output), run.code) == (program.output, 0)

    def test_source_lines_of_c_are_known_if_it_is_compiled_for_a_debugger(tmp_path: Path) -> None:
        lib = FOLDER / "c" / "lib"
        sources = [str(lib / "crt0.s"), str(lib / "system.c"), str(FOLDER / "c" / "queens.c")]
        flags = ["-g", "-march=rv32i", "-mabi=ilp32", "-O1", "-ffreestanding", "-nostdlib"]
        output = tmp_path / "queens.elf"
        link = [f"-T{lib / 'program.ld'}", "-Wl,--no-warn-rwx-segments", "-lgcc"]
        subprocess.run([COMPILER, *flags, *sources, *link, "-o", str(output)], check=True)
        image = looped.assemble(output)
        place = image.location(image.symbols["place"])
        assert place is not None
        lines = (FOLDER / "c" / place.file).read_text().splitlines()
        assert "static void place(" in "".join(lines[place.line - 2 : place.line])


_DIVISION = """
        .text
__udivsi3:
        li a2, 0
1:      bltu a0, a1, 2f
        sub a0, a0, a1
        addi a2, a2, 1
        j 1b
2:      mv a0, a2
        ret
__umodsi3:
        bltu a0, a1, 1f
        sub a0, a0, a1
        j __umodsi3
1:      ret
"""
_STACK = """
        .bss
        .balign 16
        .space 4096
__stack_top:
"""
