"""`python -m benchmarks.fleq`: a network learns XOR, in weights and in NumPy, in CPU seconds."""

from __future__ import annotations

import argparse
import re
import tempfile
import time
from pathlib import Path

from benchmarks.float64 import Float64
from looped import api
from looped.image import Image
from looped.run.session import Session

__all__ = ["assemble", "main"]

_PROGRAMS = Path(__file__).parents[1] / "programs" / "fleq"
_WORKERS = (4, 1, 16)


def main() -> None:
    """Run the program xor, for as many epochs as asked, on the lifted engine and in NumPy."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fleq", description=main.__doc__)
    parser.add_argument("--epochs", type=int, default=1000)
    epochs = parser.parse_args().epochs
    image = assemble("xor", EPOCHS=1 - epochs)
    memory = api.smallest_memory(image)
    start = time.process_time()
    plain = Float64(image, memory)
    while not plain.halted:
        plain.step()
    base = time.process_time() - start
    print(f"{plain.steps:,} instructions\n")
    print("| | workers | seconds | instructions/s | ratio |\n|---|---|---|---|---|")
    print(f"| NumPy, float64 | | {base:.1f} | {plain.steps / base:,.0f} | |", flush=True)
    compiled = api.compile(image, memory)
    for workers in _WORKERS:
        machine = compiled.with_workers(workers)
        engine = api.choose_engine(machine, "lifted")
        session = Session(machine, image, engine)
        session.run(1)
        start = time.process_time()
        session.run()
        seconds = time.process_time() - start
        if session.steps != plain.steps or engine.fallbacks:
            raise SystemExit(f"{session.steps:,} instructions, {engine.fallbacks:,} fallbacks")
        rate = f"{seconds:.1f} | {session.steps / seconds:,.0f} | {seconds / base:.1f}"
        print(f"| lifted | {workers} | {rate} |", flush=True)


def assemble(name: str, **constants: int) -> Image:
    """A program of the project with other values of its constants."""
    text = (_PROGRAMS / f"{name}.fleq").read_text()
    for constant, value in constants.items():
        text, found = re.subn(rf"(?m)^\.equ {constant} \S+", f".equ {constant} {value}", text)
        if found != 1:
            raise ValueError(f"{name} has no constant {constant}")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{name}.fleq"
        path.write_text(text)
        return api.assemble(path)


if __name__ == "__main__":
    main()
