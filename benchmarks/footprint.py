"""`python -m benchmarks.footprint STEPS`: peak memory of a run of a program that uses much of it.

The program is for RV32I. Its loops, more of them than all units have room for, add to pseudo-random
words of memory after it. The steps, the CPU seconds, and the peaks of this process and of the one
that compiles beside it are printed as JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from unittest.mock import patch

import numpy as np

from benchmarks.measure import peak_of_this_process
from looped import api
from looped.artefact.embedding import embed_compact
from looped.artefact.residual import Residuals
from looped.engines.lifted import LiftedEngine
from looped.engines.lifted.specialised.machine_code import Unit, Units
from looped.isa.rv32i import encode

__all__ = ["Footprint", "footprint", "main", "scatter"]

_MEMORY = 1 << 20
_LOOPS = 1000
_ROUNDS = 200
"""Loops, and rounds of each before the next one. One round of all is 2.8 million instructions."""

_STATE, _MASK, _BASE, _AT, _HELD, _LEFT, _MIXED = 5, 6, 7, 8, 9, 10, 11
_PAGE_BITS = 12


@dataclass(frozen=True)
class Footprint:
    """What a run of `steps` instructions has taken: CPU seconds of the run, peaks in MB of its
    process and of the one that compiles; how many units were made, and how many are left; and how
    many words of memory are not zero."""

    steps: int
    seconds: float
    peak: int
    peak_beside: int
    made: int
    left: int
    touched: int


def scatter(memory: int, loops: int = _LOOPS, rounds: int = _ROUNDS) -> tuple[int, ...]:
    """RV32I words that add to pseudo-random words after the program, for ever: a sequence of loops
    whose constants differ. `memory` is a power of two, of 1024 words at least."""
    length = 4 + 14 * loops + 1
    top = 4 * memory >> _PAGE_BITS
    words = [
        encode("addi", _STATE, 0, imm=1234),
        encode("lui", _MASK, imm=top),
        encode("addi", _MASK, _MASK, imm=-4),
        encode("lui", _BASE, imm=-(-4 * length >> _PAGE_BITS)),
    ]
    start = len(words)
    for number in range(loops):
        words += _loop(number + 1, rounds)
    return (*words, encode("jal", imm=4 * (start - len(words))))


def _loop(number: int, rounds: int) -> list[int]:
    """Rounds of xorshift (Marsaglia 2003, period 2^32 - 1) and an access."""
    body = [
        encode("slli", _MIXED, _STATE, imm=13),
        encode("xor", _STATE, _STATE, _MIXED),
        encode("srli", _MIXED, _STATE, imm=17),
        encode("xor", _STATE, _STATE, _MIXED),
        encode("slli", _MIXED, _STATE, imm=5),
        encode("xor", _STATE, _STATE, _MIXED),
        encode("and", _AT, _STATE, _MASK),
        encode("bltu", 0, _AT, _BASE, 16),
        encode("lw", _HELD, _AT),
        encode("addi", _HELD, _HELD, imm=number),
        encode("sw", rs1=_AT, rs2=_HELD),
        encode("addi", _LEFT, _LEFT, imm=-1),
    ]
    back = encode("bne", 0, _LEFT, 0, -4 * len(body))
    return [encode("addi", _LEFT, 0, imm=rounds), *body, back]


def footprint(words: Sequence[int], memory: int, steps: int) -> Footprint:
    """Run in this process. Raises SystemExit if a pass falls back."""
    made = left = 0
    machine = api.compile_machine("rv32i", None, memory)
    engine = LiftedEngine(machine)
    engine.load(Residuals([embed_compact(words, machine.plan)]))
    engine.prepare()
    change = Units.changed

    def counted(units: Units, unit: Unit, needless: Iterable[int]) -> Units:
        nonlocal made, left
        new = change(units, unit, needless)
        made, left = made + 1, len(new)
        return new

    start = time.process_time()
    with patch.object(Units, "changed", counted):
        engine.step(steps)
    seconds = time.process_time() - start
    if engine.fallbacks:
        raise SystemExit("a pass fell back")
    peak, beside = peak_of_this_process(), _peak_of_children()
    value = np.array(machine.plan.words["value"], np.intp)
    touched = int(np.count_nonzero(engine.words(0, value)[len(words) : memory]))
    return Footprint(steps, round(seconds, 1), peak, beside, made, left, touched)


def _peak_of_children() -> int:
    """The largest peak of the processes that this one has started and that still run, in MB."""
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    lines = [line for child in children for line in _status(child) if line.startswith("VmHWM:")]
    return max((int(line.split()[1]) >> 10 for line in lines), default=0)


def _status(process: str) -> list[str]:
    return Path(f"/proc/{process}/status").read_text().splitlines()


def main() -> None:
    """Measure once."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.footprint", description=__doc__)
    parser.add_argument("steps", type=int)
    parser.add_argument("--memory", type=int, default=_MEMORY, help="words")
    given = parser.parse_args()
    words = scatter(given.memory)
    print(json.dumps(asdict(footprint(words, given.memory, given.steps))))


if __name__ == "__main__":
    main()
