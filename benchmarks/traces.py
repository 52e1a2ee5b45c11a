"""`python -m benchmarks.traces`: how fast a trace is written, and in how much memory."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.measure import peak_of_this_process
from benchmarks.workload import workload
from looped import api, registry
from looped.image import Image
from looped.run.session import Session
from looped.traces.formats import TraceFile

__all__ = ["main"]

_FORMATS = ("jsonl", "parquet")


def main() -> None:
    """Write traces of the walk through memory (see `workload`), each in a process of its own."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.traces", description=main.__doc__)
    parser.add_argument("--steps", type=int, default=1_000_000, help="instructions of a trace")
    parser.add_argument("--one", nargs=2, metavar=("MACHINE", "FORMAT"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one is not None:
        print(json.dumps(_measure(options.one[0], options.one[1], options.steps)))
        return
    print(
        "| machine | format | steps/s | steps/s of CPU | file | peak memory |",
        "|---|---|---|---|---|---|",
        sep="\n",
    )
    for name in ("subleq", "rv32i"):
        for form in _FORMATS:
            command = [sys.executable, "-m", "benchmarks.traces", "--steps", str(options.steps)]
            done = subprocess.run([*command, "--one", name, form], capture_output=True, check=True)
            wall, cpu, size, peak = json.loads(done.stdout)
            rates = f"{options.steps / wall:,.0f} | {options.steps / cpu:,.0f}"
            print(f"| {name} | {form} | {rates} | {size >> 20} MB | {peak} MB |", flush=True)


def _measure(name: str, form: str, steps: int) -> tuple[float, float, int, int]:
    """Seconds, seconds of a processor, bytes of the file, and peak memory in MB.

    The seconds begin when the engine is ready.
    """
    described = registry.machine(name)
    width, unit = described.language.width, described.language.addresses_per_word
    machine = api.compile_machine(name, width, 1024)
    image = Image(name, width, workload(name, width, 1024), addresses_per_word=unit)
    session = Session(machine, image, api.choose_engine(machine))
    session.run(1)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"trace.{form}"
        start, began = time.perf_counter(), time.process_time()
        TraceFile(path, None, image).save(session.journal(steps + 1), [])
        wall, cpu = time.perf_counter() - start, time.process_time() - began
        return wall, cpu, path.stat().st_size, peak_of_this_process()


if __name__ == "__main__":
    main()
