"""The programs of the project, with what their headers promise."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "programs"


@dataclass(frozen=True)
class Program:
    """A source file and its header: input, expected output, steps, whether it can be baked."""

    path: Path
    input: bytes
    output: bytes
    steps: int
    baked: bool


def programs() -> list[Program]:
    """Every program for SUBLEQ, in alphabetical order; included files in `lib` are none."""
    return [_read(path, ";") for path in sorted(FOLDER.glob("*/*.sasm"))]


def riscv_programs() -> list[Program]:
    """Every assembly program for RV32I; steps include system calls."""
    return [_read(path, "#") for path in sorted(FOLDER.glob("rv32i/*.s"))]


def extended_programs() -> list[Program]:
    """The same for RV32IM."""
    return [_read(path, "#") for path in sorted(FOLDER.glob("rv32im/*.s"))]


def c_programs() -> list[Program]:
    """Every C program; steps are those of GCC 12.2, and no promise."""
    return [_read(path, "//") for path in sorted(FOLDER.glob("c/*.c"))]


def _read(path: Path, comment: str) -> Program:
    pattern = rf"^{comment} (\w+): +(.+)$"
    fields = dict(re.findall(pattern, path.read_text(), re.MULTILINE))
    return Program(
        path=path,
        input=ast.literal_eval("b" + fields.get("input", '""')),
        output=ast.literal_eval("b" + fields["output"]),
        steps=int(fields["steps"]),
        baked=fields.get("baked") == "yes",
    )
