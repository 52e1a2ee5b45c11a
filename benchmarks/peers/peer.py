"""Peer: an interpreter in C, compiled by gcc -O2, that runs a program of one of the machines."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from looped.artefact.plan import Plan
from looped.image import Image

__all__ = ["Run", "available", "run"]

_HERE = Path(__file__).parent
_SOURCES = {"subleq": "subleq.c", "rv32i": "riscv.c", "rv32im": "riscv.c"}
_REGISTERS = 32


@dataclass(frozen=True)
class Run:
    """What a run has done: instructions, the program counter after them, CPU seconds, the words of
    memory, those of the registers, and the output."""

    steps: int
    pc: int
    seconds: float
    memory: tuple[int, ...]
    registers: tuple[int, ...]
    output: bytes


def available() -> bool:
    """Whether there is a compiler."""
    return shutil.which("gcc") is not None


def run(image: Image, plan: Plan, steps: int, data: bytes = b"") -> Run:
    """Run a program for at most so many steps, until it halts or traps.

    Input and output are those of the system calls; SUBLEQ has neither. Raises CalledProcessError.
    """
    words = np.zeros(plan.memory, np.uint32)
    words[: len(image.words)] = image.words
    with tempfile.TemporaryDirectory() as folder:
        given, written = Path(folder) / "input", Path(folder) / "output"
        given.write_bytes(data)
        sizes = [plan.width, plan.memory, steps]
        if plan.machine != "subleq":
            files = [str(given), str(written)]
            sizes = [plan.parameters["base"], image.entry, plan.memory, steps]
        else:
            files = []
        command = [_compiled(_SOURCES[plan.machine]), *map(str, sizes), *files]
        done = subprocess.run(command, input=words.tobytes(), capture_output=True, check=True)
        output = written.read_bytes() if written.exists() else b""
    left = np.frombuffer(done.stdout, np.uint32).tolist()
    count, pc, seconds = done.stderr.split()
    memory, registers = left[: plan.memory], left[plan.memory :]
    return Run(int(count), int(pc), float(seconds), tuple(memory), tuple(registers), output)


@cache
def _compiled(source: str) -> str:
    """The executable, in a folder that stays until this process ends."""
    folder = tempfile.TemporaryDirectory()
    _FOLDERS.append(folder)
    result = str(Path(folder.name) / "peer")
    subprocess.run(["gcc", "-O2", "-o", result, str(_HERE / source)], check=True)
    return result


_FOLDERS: list[tempfile.TemporaryDirectory[str]] = []
