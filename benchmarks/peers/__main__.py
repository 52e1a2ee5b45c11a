"""`python -m benchmarks.peers`: `lifted` beside plain C interpreters, in instructions per second.

Loops run on specialised code after a start that is not measured; whole programs run from the first
instruction to the last, and the CPU seconds of the process that specialises them are counted apart.
"""

from __future__ import annotations

import argparse
import gc
import resource
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.peers import peer
from benchmarks.specialised import AT_ONCE, cases, machine_of, times
from looped import api
from looped.engines.lifted import LiftedEngine
from looped.image import Image
from looped.run.session import Session

__all__ = ["PROGRAMS", "Program", "linked", "main"]

_C = Path(__file__).parents[2] / "programs" / "c"
_LIBRARY = _C / "lib"
_COMPILER = "riscv64-unknown-elf-gcc"
_FLAGS = "-march=rv32i -mabi=ilp32 -O2 -ffreestanding -nostdlib -fno-tree-loop-distribute-patterns"
_LINKING = "-Wl,--no-warn-rwx-segments"

_PUZZLES = (
    b"1....7.9..3..2...8..96..5....53..9...1..8...26....4...3......1..4......7..7...3..\n"
    b"8..........36......7..9.2...5...7.......457.....1...3...1....68..85...1..9....4..\n"
)


@dataclass(frozen=True)
class Program:
    """A program of programs/c with a longer workload: in its source, `old` becomes `new`."""

    source: str
    old: str
    new: str
    data: bytes = b""


PROGRAMS = (
    Program("sha256", "round < 150", "round < 60000", b"abc"),
    Program("sudoku", "", "", 60 * _PUZZLES),
    Program("quicksort", "COUNT = 2000", "COUNT = 200000"),
)


def main() -> None:
    """Measure all loops and programs."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument("--steps", type=int, default=50_000_000, help="instructions of a loop")
    given = parser.parse_args()
    if not peer.available():
        raise SystemExit("there is no gcc")
    _loops(given.steps)
    if shutil.which(_COMPILER) is not None:
        _programs()


def _loops(steps: int) -> None:
    print(
        "| machine | bits | loop | lifted | C | lifted / C |", "|---|---|---|---|---|---|", sep="\n"
    )
    for case in cases():
        machine = machine_of(case)
        _, seconds = times(machine, case, steps, AT_ONCE)
        image = Image(case.machine, case.width, tuple(case.words))
        other = peer.run(image, machine.plan, steps)
        rates = steps / seconds, other.steps / other.seconds
        row = case.machine, str(case.width), case.name, *_shown(*rates)
        print("|", " | ".join(row), "|", flush=True)


def _programs() -> None:
    print("\n| program | instructions | lifted | compiling | C | lifted / C |")
    print("|---|---|---|---|---|---|")
    for program in PROGRAMS:
        image = linked(program)
        machine = api.compile_machine(image.machine, image.width, api.smallest_memory(image))
        engine = LiftedEngine(machine)
        session = Session(machine, image, engine, program.data)
        engine.prepare()
        children, start = _children(), time.process_time()
        session.run()
        seconds, steps = time.process_time() - start, session.steps
        other = peer.run(image, machine.plan, 1 << 62, program.data)
        if other.output != session.output.kept:
            raise SystemExit(f"{program.source}: another output")
        del engine, session
        gc.collect()
        beside = _children() - children - other.seconds
        rates = _shown(steps / seconds, other.steps / other.seconds)
        row = program.source, f"{steps:,}", rates[0], f"{max(0.0, beside):.1f} s", *rates[1:]
        print("|", " | ".join(row), "|", flush=True)


def _shown(ours: float, theirs: float) -> tuple[str, str, str]:
    return f"{ours:,.0f}", f"{theirs:,.0f}", f"{ours / theirs:.2f}"


def _children() -> float:
    """CPU seconds of processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def linked(program: Program) -> Image:
    """The image of a program. Raises CalledProcessError if the compiler fails."""
    text = (_C / f"{program.source}.c").read_text()
    if program.old not in text:
        raise SystemExit(f"{program.source}.c has no `{program.old}`")
    with tempfile.TemporaryDirectory() as folder:
        source, result = Path(folder) / "program.c", Path(folder) / "program.elf"
        source.write_text(text.replace(program.old, program.new) if program.old else text)
        parts = [_LIBRARY / "crt0.s", _LIBRARY / "system.c", source]
        linking = [_LINKING, "-T", _LIBRARY / "program.ld", f"-I{_C}"]
        command = [_COMPILER, *_FLAGS.split(), *linking, *parts, "-lgcc"]
        subprocess.run([*map(str, command), "-o", str(result)], check=True)
        return api.assemble(result, "rv32i")


if __name__ == "__main__":
    main()
