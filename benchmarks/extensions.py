"""`python -m benchmarks.extensions`: what an instruction set costs where a program does not use it.

C programs compiled for RV32I run on the plain lifted code of `rv32i` and of `rv32im`, in turn, so
that a busy machine slows both. Times are CPU seconds after start-up.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace

from benchmarks.peers.__main__ import PROGRAMS, Program, linked
from looped import api
from looped.engines.lifted import LiftedEngine
from looped.engines.lifted.specialised import USUAL
from looped.image import Image
from looped.run.session import Session

__all__ = ["main"]

_SHORTER = {"sha256": "round < 2000", "quicksort": "COUNT = 50000"}


def main() -> None:
    """Measure all programs; a rate is the best of some rounds."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.extensions", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    print(
        "| program | instructions | rv32i | rv32im | rv32im / rv32i |",
        "|---|---|---|---|---|",
        sep="\n",
    )
    for program in PROGRAMS:
        image = linked(_short(program))
        found = [
            [_run(image, name, program.data) for name in ("rv32i", "rv32im")] for _ in range(rounds)
        ]
        base, other = (
            max(steps / seconds for steps, seconds in side) for side in zip(*found, strict=True)
        )
        row = (
            program.source,
            f"{found[0][0][0]:,}",
            f"{base:,.0f}",
            f"{other:,.0f}",
            f"{other / base:.3f}",
        )
        print("|", " | ".join(row), "|", flush=True)


def _short(program: Program) -> Program:
    return replace(program, new=_SHORTER.get(program.source, program.new))


def _run(image: Image, name: str, data: bytes) -> tuple[int, float]:
    """The instructions and CPU seconds of a run."""
    image = replace(image, machine=name)
    machine = api.compile_machine(name, image.width, api.smallest_memory(image))
    engine = LiftedEngine(machine, effort=replace(USUAL, patience=1 << 62))
    session = Session(machine, image, engine, data[: len(data) // 12] if len(data) > 100 else data)
    engine.prepare()
    start = time.process_time()
    session.run()
    return session.steps, time.process_time() - start


if __name__ == "__main__":
    main()
