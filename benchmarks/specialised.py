"""`python -m benchmarks.specialised`: hot loops compiled again with their constants, in ratios.

Each program runs on the plain lifted code and with specialised passes, in turn, so that a busy
machine slows both. Times are CPU seconds, those of compilation apart.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.workload import workload
from looped import api
from looped.artefact.embedding import embed
from looped.artefact.plan import CompiledMachine
from looped.engines.engine import Watch
from looped.engines.lifted import LiftedEngine
from looped.engines.lifted.specialised import USUAL, Effort
from looped.isa.rv32i import encode

__all__ = ["AT_ONCE", "Case", "cases", "machine_of", "main", "measure", "times"]

AT_ONCE = replace(USUAL, patience=200_000, share=0, beside=False)
"""Specialises what the first look shows, within the run, so that its time can be measured."""

_MEMORY = 1024
_THREADED = Path(__file__).with_name("threaded.sasm")


@dataclass(frozen=True)
class Case:
    """A program that never ends, and what it is called."""

    name: str
    machine: str
    width: int
    words: Sequence[int]


@dataclass(frozen=True)
class Result:
    """Instructions per CPU second, plain and specialised, and what the first ones cost more."""

    plain: float
    specialised: float
    preparation: float


def cases() -> list[Case]:
    """Loops of a few instructions, the walk of `make bench`, and an indirect-threaded program."""
    threaded = api.assemble(_THREADED).words
    found = []
    for width in (8, 16, 32):
        small = (9, 10, 3, 11, 12, 6, 13, 13, 0, 1, 100, 3, 4, 0)
        found.append(Case("three instructions", "subleq", width, small))
    for width in (16, 32):
        found.append(Case("walk", "subleq", width, workload("subleq", width, _MEMORY)))
    found.append(Case("indirect threading", "subleq", 16, threaded))
    loop = (
        encode("addi", 10, 10, imm=1),
        encode("add", 11, 11, 10),
        encode("sub", 12, 10, 12),
        encode("xor", 13, 12, 11),
        encode("jal", imm=-16),
    )
    found.append(Case("five instructions", "rv32i", 32, loop))
    found.append(Case("walk", "rv32i", 32, workload("rv32i", 32, _MEMORY)))
    return found


def measure(case: Case, steps: int, rounds: int) -> Result:
    """Run a case for so many instructions after a start of as many, several times."""
    machine = machine_of(case)
    never = replace(USUAL, patience=1 << 62)
    pairs = []
    for _ in range(rounds):
        plain, fast = (times(machine, case, steps, effort) for effort in (never, AT_ONCE))
        pairs.append((plain, fast))
    seconds = [statistics.median(second for _, second in side) for side in zip(*pairs, strict=True)]
    first = [statistics.median(first for first, _ in side) for side in zip(*pairs, strict=True)]
    return Result(steps / seconds[0], steps / seconds[1], max(0.0, first[1] - seconds[1]))


def machine_of(case: Case) -> CompiledMachine:
    """The machine of a case."""
    return api.compile_machine(case.machine, case.width, min(_MEMORY, 1 << case.width - 1))


def times(machine: CompiledMachine, case: Case, steps: int, effort: Effort) -> tuple[float, float]:
    """CPU seconds of the first `steps` instructions, and of as many after them."""
    engine = LiftedEngine(machine, effort=effort)
    engine.load(embed([*case.words], machine.plan)[None])
    engine.prepare()
    busy = [] if machine.plan.busy is None else [machine.plan.busy]
    watch = Watch(machine.plan.cpu, mid_instruction=np.array(busy, np.intp))
    seconds = []
    for _ in range(2):
        start = time.process_time()
        if engine.advance(steps, watch) != steps or engine.fallbacks:
            raise SystemExit(f"{case.name} fell back")
        seconds.append(time.process_time() - start)
    return seconds[0], seconds[1]


def main() -> None:
    """Measure all cases."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.specialised", description=__doc__)
    parser.add_argument("--steps", type=int, default=20_000_000, help="instructions of a run")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    print("| machine | bits | program | lifted | specialised | ratio | compiled in |")
    print("|---|---|---|---|---|---|---|")
    for case in cases():
        found = measure(case, given.steps, given.rounds)
        rates = f"{found.plain:,.0f} | {found.specialised:,.0f}"
        ratio = f"{found.specialised / found.plain:.1f} | {found.preparation:.2f} s"
        print(f"| {case.machine} | {case.width} | {case.name} | {rates} | {ratio} |", flush=True)


if __name__ == "__main__":
    main()
