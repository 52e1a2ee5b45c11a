"""`python -m benchmarks.lockstep`: steps a CPU second of an engine beside the reference.

Each row is one process: the reference alone, the comparison of whole states after every step, and
`lockstep` as `looped verify` runs it. Times are seconds of the processor without compilation. The
programs are the walk of `make bench`, which never ends.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

from benchmarks.workload import workload
from looped import api, registry
from looped.engines.engine import Engine
from looped.environment import USUAL
from looped.image import Image
from looped.verify.lockstep import lockstep
from looped.verify.pairs import Pairs, Rhythm

__all__ = ["main", "measure"]


def measure(name: str, width: int, memory: int, kind: str, steps: int) -> tuple[float, ...]:
    """Steps a second of the reference alone, with whole states, and of lockstep."""
    machine = api.compile_machine(name, width, memory)
    image = Image(name, width, tuple(workload(name, width, memory)))
    engine = api.choose_engine(machine, kind)
    lockstep(machine, engine, [image], [b""], 3)
    plan = machine.plan
    reference = registry.machine(name).reference(image.words, width, memory, b"", image.entry)

    def whole(engine: Engine, count: int) -> None:
        pairs = Pairs(plan, engine, [image], [b""], USUAL, Rhythm(0, 1))
        for _ in range(count):
            pairs.advance(1)

    def alone() -> None:
        for _ in range(steps):
            reference.step()

    few = max(5, min(steps // 100, 200_000 // memory))
    return (
        _rate(alone, steps),
        _rate(lambda: whole(engine, few), few),
        _rate(lambda: lockstep(machine, engine, [image], [b""], steps), steps),
    )


def _rate(run: Callable[[], object], steps: int) -> float:
    start = time.process_time()
    run()
    return steps / (time.process_time() - start)


def main() -> None:
    """Measure both fast engines on two machines, with few and with many words."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lockstep", description=__doc__)
    parser.add_argument("--steps", type=int, default=400_000, help="of lifted; event takes 1/50")
    given = parser.parse_args()
    print("| engine | machine | words | reference alone | whole states | lockstep |")
    print("|---|---|---|---|---|---|")
    for kind, steps in (("lifted", given.steps), ("event", given.steps // 50)):
        for name, width in (("subleq", 16), ("rv32i", 32)):
            for memory in (1024, 32768):
                rates = measure(name, width, memory, kind, max(1, steps))
                cells = " | ".join(f"{rate:,.0f}" for rate in rates)
                print(f"| {kind} | {name} | {memory:,} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
