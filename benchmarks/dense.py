"""`python -m benchmarks.dense`: passes of the model itself, packed, and compiled by PyTorch.

Seconds are those of the processor, so that a busy machine changes them little. All models pass the
same stream, and the benchmark ends if they differ in a bit. `--compile` takes a minute or more, and
needs a C++ compiler. A packed model is not compiled: its shapes change from pass to pass.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from benchmarks.workload import workload
from looped import api
from looped.artefact.embedding import embed
from looped.nn.packed import packed

__all__ = ["main", "measure"]

_LEAST = 0.5
"""Seconds of a measurement, unless one pass takes longer."""

Model = Callable[[Tensor], Tensor]


def measure(name: str, width: int, memory: int, compiled: bool) -> dict[str, float]:
    """Passes a second of each model. Raises SystemExit if two of them differ."""
    machine = api.compile_machine(name, width, memory)
    x = torch.tensor(np.asarray(embed(workload(name, width, memory), machine.plan))[None]).float()
    models: dict[str, Model] = {"model": machine.model(), "packed": packed(machine.model())}
    if compiled:
        models["compiled"] = torch.compile(machine.model())
    rates, results = {}, {}
    with torch.inference_mode():
        for kind, model in models.items():
            results[kind], seconds = _passes(model, x)
            rates[kind] = 1 / seconds
    if not all(torch.equal(result, results["model"]) for result in results.values()):
        raise SystemExit(f"{name}, {memory:,} words: the models differ")
    return rates


def _passes(model: Model, x: Tensor) -> tuple[Tensor, float]:
    """The stream after one pass, and seconds of a pass; the first one prepares what it needs."""
    start = time.process_time()
    first = model(x)
    once = time.process_time() - start
    if once > 20 * _LEAST:
        return first, once
    count, start = 0, time.process_time()
    while (spent := time.process_time() - start) < _LEAST:
        model(x)
        count += 1
    return first, spent / count


def main() -> None:
    """Measure all machines."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.dense", description=__doc__)
    parser.add_argument("--words", type=int, nargs="+", default=[256, 1024, 16384])
    parser.add_argument("--machines", nargs="+", default=["subleq", "rv32i"])
    parser.add_argument("--compile", action="store_true")
    given = parser.parse_args()
    torch.set_num_threads(1)
    kinds = ["model", "packed"] + ["compiled"] * given.compile
    print(f"| machine | bits | words | {' | '.join(kinds)} | packed / model |")
    print("|---" * (4 + len(kinds)) + "|")
    for name in given.machines:
        width = 16 if name == "subleq" else 32
        for memory in given.words:
            rates = measure(name, width, memory, given.compile)
            cells = " | ".join(f"{rates[kind]:.3g}" for kind in kinds)
            ratio = rates["packed"] / rates["model"]
            print(f"| {name} | {width} | {memory:,} | {cells} | {ratio:.1f} |", flush=True)


if __name__ == "__main__":
    main()
