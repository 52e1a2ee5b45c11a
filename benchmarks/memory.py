"""What the size of the memory costs: the start of the engines, and passes a second.

`python -m benchmarks.memory` prints a row for each size, in CPU seconds.
"""

from __future__ import annotations

import time

import numpy as np

from looped import api
from looped.analysis import analyse
from looped.artefact.embedding import embed_compact
from looped.artefact.plan import CompiledMachine
from looped.artefact.residual import Residuals
from looped.engines.array import ArrayEngine
from looped.engines.certified import Certified
from looped.engines.dense import DenseEngine
from looped.engines.late_dense import LateDense
from looped.engines.lifted import LiftedEngine
from looped.engines.lifted.stream import Stream
from looped.precision import FLOAT32

SIZES = {"subleq": (64, 1 << 12, 1 << 15), "rv32i": (64, 1 << 15, 1 << 18)}
_PASSES, _MANY, _ROUNDS = 300, 2_000_000, 3


def main() -> None:
    """Print the table."""
    print("| machine | words | array: start | passes/s | lifted: start | passes/s |")
    print("|---|---|---|---|---|---|")
    for name, sizes in SIZES.items():
        for words in sizes:
            machine = api.compile_machine(name, memory=words)
            array, lifted = _array(machine), LiftedEngine(machine)
            cells = [_start(array, machine), _rate(array)]
            cells += [_start(lifted, machine), _rate(lifted)]
            shown = [f"{cell:.2f} s" if n % 2 == 0 else f"{cell:,.0f}" for n, cell in
                     enumerate(cells)]  # fmt: skip
            print(f"| {name} | {words:,} | {' | '.join(shown)} |", flush=True)


def _array(machine: CompiledMachine) -> ArrayEngine:
    plan = machine.plan
    model = analyse(machine.arrays, len(plan.blocks), plan.d_head, FLOAT32)
    return ArrayEngine(lambda: model, LateDense(lambda: DenseEngine(machine)), plan.memory)


def _start(engine: Certified, machine: CompiledMachine) -> float:
    """Seconds from the weights to the end of the first pass, over a memory of zeros."""
    x = embed_compact([], machine.plan)
    began = time.process_time()
    engine.load(Residuals([x]))
    engine.prepare()
    engine.step()
    return time.process_time() - began


def _rate(engine: Certified) -> float:
    """Passes a second, without code that is specialised; the best of some rounds."""
    best = 0.0
    for _ in range(_ROUNDS):
        began = time.process_time()
        (stream,) = engine.streams
        if isinstance(stream, Stream) and stream.program is not None:
            nothing = stream.masks(np.zeros(0, np.intp))
            stream.program.native.run(stream.words, stream.cells, nothing, _MANY, nothing)
            done = _MANY
        else:
            engine.step(_PASSES)
            done = _PASSES
        best = max(best, done / (time.process_time() - began))
    return best


if __name__ == "__main__":
    main()
