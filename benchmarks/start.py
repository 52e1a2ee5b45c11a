"""`python -m benchmarks.start`: how long commands take from their start to their end.

Each command runs in a process of its own, with an empty cache and with a filled one, some rounds of
each; the best round counts. CPU seconds are those of the command, without the process that goes on
to fill the cache: the next round begins when that has ended. `--only` chooses commands.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["COMMANDS", "Times", "c_program", "imports", "main", "package_seconds", "times"]

_ROOT = Path(__file__).parents[1]
_LOOPED = (sys.executable, "-m", "looped")

COMMANDS = (
    "--help",
    "asm programs/subleq/hello.sasm",
    "info subleq",
    "run programs/subleq/hello.sasm",
    "run programs/rv32i/hello.s",
    "run programs/rv32i/hello.s --memory 1024",
)
"""What is measured, beside a C program where there is a compiler."""

_PACKAGES = {
    "torch": "`dense`, `event`, `looped certify`, fallbacks",
    "numba": "`event`",
    "looped.machines.rv32ima.machine, looped.machines.fleq.machine": "compiling, proving",
    "numpy": "all but `looped --help`",
    "lark": "assembling",
    "rich.table": "tables, and progress on a terminal",
    "llvmlite.binding": "`lifted`",
    "elftools.elf.elffile": "ELF files",
    "click": "every command",
}
"""Modules, and who needs them."""

_SHOWN = {names.partition(".")[0] for names in _PACKAGES} - {"looped", "click"}

_HELLO = """#include <stdio.h>
int main(void) { puts("Hello, world!"); return 0; }
"""


@dataclass(frozen=True)
class Times:
    """Seconds of one process: of the processor, from its start to its first output, and to its
    end."""

    cpu: float
    first: float
    wall: float

    def best(self, other: Times) -> Times:
        """The least of both, each for itself."""
        return Times(
            min(self.cpu, other.cpu), min(self.first, other.first), min(self.wall, other.wall)
        )


def times(arguments: Sequence[str], cache: Path) -> Times:
    """Run a command of `looped` once. Returns when no process that it has started is left. Raises
    RuntimeError if the command fails."""
    ended, open_until_the_end = os.pipe()
    began = time.perf_counter()
    process = subprocess.Popen(
        [*_LOOPED, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=_environment(cache),
        cwd=_ROOT,
        pass_fds=[open_until_the_end],
    )
    os.close(open_until_the_end)
    assert process.stdout is not None
    process.stdout.read(1)
    first = time.perf_counter() - began
    process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    with open(ended, "rb") as file:
        file.read()
    if process.returncode:
        raise RuntimeError(f"looped {' '.join(arguments)}: exit status {process.returncode}")
    return Times(used.ru_utime + used.ru_stime, first, wall)


def imports(arguments: Sequence[str], cache: Path) -> dict[str, float]:
    """The packages that a command imports, with the seconds of their modules (wall time).

    Those of Python itself are one, `python`. Python is asked to note times, which takes longer.
    """
    command = [sys.executable, "-X", "importtime", "-m", "looped", *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, env=_environment(cache), cwd=_ROOT, check=True
    )
    found: Counter[str] = Counter()
    for line in done.stderr.splitlines():
        if line.startswith("import time:") and "[us]" not in line:
            own, _, name = line.removeprefix("import time:").split("|")
            package = name.strip().partition(".")[0]
            kind = "python" if package in sys.stdlib_module_names else package
            found[kind] += int(own)
    return {name: micro / 1e6 for name, micro in found.items()}


def package_seconds(names: str) -> float:
    """CPU seconds to import packages, `names` with commas, after NumPy unless that is the one."""
    before = "" if names in ("numpy", "click") else "import numpy; "
    script = (
        f"{before}import time; s = time.process_time(); import {names}; "
        "print(time.process_time() - s)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    return float(done.stdout)


def c_program(folder: Path) -> Path | None:
    """ "Hello" in C with the library picolibc, compiled by `looped cc`; None without a compiler."""
    source = folder / "hello.c"
    source.write_text(_HELLO)
    done = subprocess.run([*_LOOPED, "cc", str(source)], capture_output=True, cwd=_ROOT)
    return None if done.returncode else source.with_suffix(".elf")


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a row for each command, and one for each package."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.start", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", help="commands that contain this text; no packages")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as name:
        program = c_program(Path(name))
        commands = [*COMMANDS, *([] if program is None else [f"run {program}"])]
        print(
            "| command | empty cache: CPU | first output | end | filled cache: CPU | first output "
            "| end | packages |",
            "|---|---|---|---|---|---|---|---|",
            sep="\n",
        )
        for command in commands:
            if given.only is None or given.only in command:
                _row(command, Path(name) / "cache", given.rounds)
    if given.only is None:
        _packages(given.rounds)


def _row(command: str, cache: Path, rounds: int) -> None:
    words = command.split()
    empty = [_emptied(words, cache) for _ in range(rounds)]
    filled = [times(words, cache) for _ in range(rounds)]
    cells = [
        f"{number:.2f} s"
        for found in (empty, filled)
        for best in [_best(found)]
        for number in (best.cpu, best.first, best.wall)
    ]
    packages = sorted(imports(words, cache).keys() & _SHOWN)
    shown = command if not command.endswith(".elf") else "run hello.elf"
    print(f"| `looped {shown}` | {' | '.join(cells)} | {', '.join(packages)} |", flush=True)


def _emptied(words: Sequence[str], cache: Path) -> Times:
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(cache)
    return times(words, cache)


def _best(found: Sequence[Times]) -> Times:
    best = found[0]
    for other in found:
        best = best.best(other)
    return best


def _packages(rounds: int) -> None:
    print("\n| package | CPU | who needs it |", "|---|---|---|", sep="\n")
    for names, need in _PACKAGES.items():
        seconds = min(package_seconds(names) for _ in range(rounds))
        print(f"| {names} | {seconds:.2f} s | {need} |", flush=True)


def _environment(cache: Path) -> dict[str, str]:
    """With bytecode on disk, whatever the caller has switched off: the first round stores it."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "LOOPED_CACHE": str(cache), "OMP_NUM_THREADS": "1"}


if __name__ == "__main__":
    main()
