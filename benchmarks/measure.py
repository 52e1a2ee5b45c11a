"""What things take, in CPU seconds: instructions, building weights, first passes; peak memory."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.workload import walk, workload
from looped import api, registry
from looped.artefact.embedding import embed, embed_compact
from looped.artefact.plan import CompiledMachine
from looped.artefact.residual import Residuals
from looped.errors import CompileError

__all__ = ["ENGINES", "Row", "measure", "peak_of_this_process", "peaks"]

ENGINES = ("reference", "dense", "event", "lifted")

_LONGEST_PASS = 4.0
"""The longest dense loop in the table, in seconds; the table leaves out longer ones."""


@dataclass(frozen=True)
class Row:
    """One machine, in CPU seconds: to build its weights; per engine, from the residual stream to
    the end of the first instruction, and instructions a second. None means not measured:
    it would take too long, or the engine refuses the machine."""

    machine: str
    width: int
    memory: int
    build: float
    first: dict[str, float | None]
    rate: dict[str, float | None]


def measure(name: str, width: int, memory: int, seconds: float, rounds: int, dense: bool) -> Row:
    """Time all engines on one machine, in turn, `rounds` times; the best round of each counts."""
    start = time.process_time()
    machine = api.compile_machine(name, width, memory)
    words = workload(name, width, memory)
    build = time.process_time() - start
    first: dict[str, float | None] = {}
    runs: dict[str, Callable[[int], object]] = {"reference": _reference(machine, words)}
    for kind in ENGINES[1:]:
        first[kind] = None
        if kind == "dense" and not dense:
            continue
        try:
            start = time.process_time()
            engine = api.choose_engine(machine, kind)
            engine.load(Residuals([embed_compact(words, machine.plan)]))
            engine.step()
        except CompileError as error:
            print(f"{name}, {memory:,} words, {kind}: {error}", file=sys.stderr, flush=True)
            continue
        first[kind] = time.process_time() - start
        runs[kind] = engine.step
    rate: dict[str, float | None] = dict.fromkeys(ENGINES)
    for _ in range(rounds):
        for kind, run in runs.items():
            rate[kind] = max(rate[kind] or 0.0, _rate(run, seconds))
    return Row(name, width, memory, build, first, rate)


def dense_is_quick(row: Row) -> bool:
    """Whether a dense loop with twice the memory of a row is short enough to measure."""
    last = row.rate["dense"]
    return last is not None and 4 / last < _LONGEST_PASS


def _reference(machine: CompiledMachine, words: tuple[int, ...]) -> Callable[[int], object]:
    plan = machine.plan
    reference = registry.machine(plan.machine).reference(words, plan.width, plan.memory, b"")

    def run(steps: int) -> None:
        for _ in range(steps):
            reference.step()

    return run


def _rate(run: Callable[[int], object], seconds: float) -> float:
    """Instructions per CPU second, from a run that takes at least `seconds`."""
    count = 1
    while True:
        start = time.process_time()
        run(count)
        elapsed = time.process_time() - start
        if elapsed >= seconds:
            return count / elapsed
        count = max(count + 1, int(count * min(100.0, 1.2 * seconds / max(elapsed, 1e-9))))


def peaks(width: int, memory: int, dense: bool) -> dict[str, int | None]:
    """Peak resident memory in MB, per engine, each in a process of its own that runs one loop."""
    return {
        name: _peak(name, width, memory) if dense or name != "dense" else None
        for name in ENGINES[1:]
    }


def _peak(engine: str, width: int, memory: int) -> int:
    command = [sys.executable, "-m", "benchmarks.measure", engine, str(width), str(memory)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return int(json.loads(done.stdout))


def _one_pass(engine: str, width: int, memory: int) -> None:
    machine = api.compile_machine("subleq", width, memory)
    chosen = api.choose_engine(machine, engine)
    chosen.load(np.array(embed(walk(width), machine.plan))[None])
    chosen.step()
    print(peak_of_this_process())


def peak_of_this_process() -> int:
    """In MB. (On Linux getrusage also counts the process before exec.)"""
    status = Path("/proc/self/status")
    if status.exists():
        fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(fields["VmHWM"].split()[0]) >> 10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 20


if __name__ == "__main__":
    _one_pass(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
