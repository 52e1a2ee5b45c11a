"""The programs of the project, with what their headers promise."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "programs"


@dataclass(frozen=True)
class Program:
    """A source file and its header: input, expected output, steps, whether it can be baked.

    A field may have several lines; so has the `output` of a program that prints several.
    """

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


def machine_mode_programs() -> list[Program]:
    """The same for RV32IMA."""
    return [_read(path, "#") for path in sorted(FOLDER.glob("rv32ima/*.s"))]


def c_programs() -> list[Program]:
    """Every C program; steps are those of GCC 12.2, and no promise."""
    return [_read(path, "//") for path in sorted(FOLDER.glob("c/*.c"))]


def fleq_programs() -> list[Program]:
    """Every program for FLEQ; each says what it takes from the paper, and how accurate it is."""
    return [_read(path, ";") for path in sorted(FOLDER.glob("fleq/*.fleq"))]


def fields(path: Path, comment: str) -> dict[str, list[str]]:
    """The fields of a header, with the lines of each."""
    found: dict[str, list[str]] = {}
    for name, line in re.findall(rf"^{comment} (\w+): +(.+)$", path.read_text(), re.MULTILINE):
        found.setdefault(name, []).append(line)
    return found


def _read(path: Path, comment: str) -> Program:
    found = fields(path, comment)
    return Program(
        path=path,
        input=_text(found.get("input", [])),
        output=_text(found["output"]),
        steps=int(found["steps"][0]),
        baked=found.get("baked") == ["yes"],
    )


def _text(lines: list[str]) -> bytes:
    return b"".join(ast.literal_eval("b" + line) for line in lines)
