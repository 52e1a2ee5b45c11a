"""`python -m benchmarks.streams`: throughput against the number of streams, and of threads.

All numbers of streams take part in turn, several rounds, so that a busy machine slows all of them.
Machine code runs in one and in several threads of this process; `dense` is one batch, with as many
threads of PyTorch. Rates are passes of all streams together per second of wall time, and in
brackets per second of the processor: on idle cores the ratio is the number of cores at work.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from benchmarks.workload import workload
from looped import api
from looped.artefact.embedding import embed
from looped.artefact.plan import CompiledMachine
from looped.engines.engine import Engine
from looped.engines.lifted import LiftedEngine
from looped.engines.threads import cores

__all__ = ["Case", "Rate", "main", "measure"]


@dataclass(frozen=True)
class Case:
    """A machine on an engine, and how many passes of one stream take half a second or more: with
    64 streams, each has some milliseconds."""

    engine: str
    machine: str
    width: int
    memory: int
    passes: int


@dataclass(frozen=True)
class Rate:
    """Passes of all streams a second of wall time, and the cores that were busy meanwhile."""

    passes: float
    busy: float


CASES = (
    Case("lifted", "subleq", 16, 1024, 800_000_000),
    Case("lifted", "rv32i", 32, 1024, 300_000_000),
    Case("dense", "subleq", 8, 64, 400),
    Case("dense", "subleq", 16, 256, 80),
)


def measure(case: Case, streams: tuple[int, ...], threads: int, rounds: int) -> list[Rate]:
    """The best rate for each number of streams."""
    machine = api.compile_machine(case.machine, case.width, case.memory)
    made = [(count, _loaded(machine, case, count, threads)) for count in streams]
    best = [Rate(0.0, 0.0)] * len(streams)
    for _ in range(rounds):
        for place, rate in enumerate(_round(case, made)):
            best[place] = max(best[place], rate, key=lambda found: found.passes)
    return best


def _loaded(machine: CompiledMachine, case: Case, count: int, threads: int) -> Engine:
    """An engine with so many streams, which are at different places of the same program."""
    engine = api.choose_engine(machine, case.engine)
    if isinstance(engine, LiftedEngine):
        engine.threads = threads
    x = embed(workload(case.machine, case.width, case.memory), machine.plan)
    engine.load(np.stack([x] * count))
    engine.prepare()
    engine.step(max(1, case.passes // 100))
    return engine


def _round(case: Case, made: list[tuple[int, Engine]]) -> Iterator[Rate]:
    """One measurement of each number of streams; each takes about as long."""
    for count, engine in made:
        passes = max(1, case.passes // count)
        wall, busy = time.perf_counter(), time.process_time()
        engine.step(passes)
        wall, busy = time.perf_counter() - wall, time.process_time() - busy
        yield Rate(passes * count / wall, busy / wall)


def main() -> None:
    """Measure all cases."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.streams", description=__doc__)
    parser.add_argument("--streams", type=int, nargs="+", default=[1, 2, 4, 8, 16, 32, 64])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--shorter", type=int, default=1, help="divide the passes by this")
    given = parser.parse_args()
    streams = tuple(given.streams)
    print("| engine | machine | bits | words | threads | " + " | ".join(map(str, streams)) + " |")
    print("|---" * (5 + len(streams)) + "|")
    for case in CASES:
        short = Case(case.engine, case.machine, case.width, case.memory,
                     max(1, case.passes // given.shorter))  # fmt: skip
        for threads in sorted({1, cores()}):
            torch.set_num_threads(threads)
            rates = measure(short, streams, threads, given.rounds)
            cells = " | ".join(
                f"{rate.passes:,.0f} ({rate.passes / rate.busy:,.0f})" for rate in rates
            )
            what = f"{case.engine} | {case.machine} | {case.width} | {case.memory:,} | {threads}"
            print(f"| {what} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
