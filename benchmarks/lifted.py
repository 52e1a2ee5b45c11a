"""`python -m benchmarks.lifted`: the lifted code of a pass, and what it costs, in CPU seconds."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from statistics import median
from typing import TypeVar

import numpy as np

from benchmarks.workload import workload
from looped.analysis import analyse
from looped.artefact.embedding import embed
from looped.artefact.plan import CompiledMachine
from looped.engines.engine import NOTHING
from looped.engines.lifted.cases import cases_of
from looped.engines.lifted.code import Code
from looped.engines.lifted.columns import behaviour
from looped.engines.lifted.lift import Lifted, lift
from looped.engines.lifted.model import sparse
from looped.engines.lifted.native import compile_code
from looped.engines.lifted.programs import Programs, rare_lanes
from looped.engines.lifted.specialised import Effort
from looped.engines.lifted.stream import Stream
from looped.passes.emit import compile_circuit
from looped.precision import FLOAT32, precision
from looped.registry import machine

__all__ = ["main"]

_MACHINES = {"subleq": (8, 16, 32), "rv32i": (32,), "rv32im": (32,)}
_MEMORY = {8: 64, 16: 1024, 32: 1024}
_PASSES = 200_000

T = TypeVar("T")


def main() -> None:
    """For each machine: operations of a pass and of its cases, and the rate of plain passes of the
    walk through memory (see `workload`), without code that is specialised for it."""
    argparse.ArgumentParser(
        prog="python -m benchmarks.lifted", description=main.__doc__
    ).parse_args()
    print("| machine | width | operations | cases | their operations | lift | compile | passes/s |")
    print("|---|---|---|---|---|---|---|---|")
    for name, widths in _MACHINES.items():
        for width in widths:
            print("|", " | ".join(_row(name, width)), "|", flush=True)


def _row(name: str, width: int) -> list[str]:
    memory = _MEMORY[width]
    compiled = compile_circuit(machine(name).circuit(width, memory, None, FLOAT32))
    words = workload(name, width, memory)
    x = embed([*words, *[0] * (memory - len(words))], compiled.plan)
    model = analyse(
        compiled.weights, len(compiled.plan.blocks), compiled.plan.d_head, precision("float32")
    )

    def lifted() -> Lifted:
        known = x.astype(np.int8)
        return lift(behaviour(sparse(model), known))

    seconds, code = _timed(lifted)
    making, cases = _timed(lambda: cases_of(code, rare_lanes(compiled.plan)))
    sizes = [_operations(case) for case in cases.codes] if cases is not None else []
    compiling, _ = _timed(lambda: compile_code(code.code, width, len(code.words), cases=cases))
    own = f"{min(sizes)} to {max(sizes)}, median {median(sizes):.0f}" if sizes else "—"
    times = f"{seconds:.1f} s", f"{making + compiling:.1f} s", f"{_rate(compiled, x):,.0f}"
    return [name, str(width), f"{_operations(code.code):,}", str(len(sizes) or "—"), own, *times]


def _operations(code: Code) -> int:
    return sum(i.operation not in ("const", "state") for i in code.instructions)


def _timed(function: Callable[[], T]) -> tuple[float, T]:
    start = time.process_time()
    result = function()
    return time.process_time() - start, result


def _rate(compiled: CompiledMachine, x: np.ndarray) -> float:
    """Passes a second, the best of some."""
    plan = compiled.plan
    model = analyse(compiled.weights, len(plan.blocks), plan.d_head, precision("float32"))
    programs = Programs(lambda: model, rare=rare_lanes(plan))
    programs.effort = Effort(patience=1 << 60)
    stream = Stream(programs, x)
    stream.advance(_PASSES, NOTHING)
    times = [_timed(lambda: stream.advance(_PASSES, NOTHING))[0] for _ in range(5)]
    return _PASSES / min(times)


if __name__ == "__main__":
    main()
