"""A case as a source file, as a report of what went wrong."""

from __future__ import annotations

from collections.abc import Iterator

from looped.isa.rv32i_text import disassemble
from looped.isa.rv32im import RISCV
from looped.profiles.case import Case

__all__ = ["source"]

_A_LINE = 3
"""Words of SUBLEQ in a line: an instruction, if they are one."""


def source(case: Case, heading: list[str]) -> str:
    """The text of a program: its words up to the last that is not zero, behind lines of comment."""
    image = case.image
    words = image.words[: max((n + 1 for n, word in enumerate(image.words) if word), default=1)]
    riscv = image.machine in RISCV
    mark, lines = ("#", _riscv(words, image.machine)) if riscv else (";", _subleq(words))
    header = [f"{mark} {line}".rstrip() for line in heading]
    settings = [f".machine {image.machine}"] + ([] if riscv else [f".width {image.width}"])
    return "\n".join([*header, "", *settings, "", *lines, ""])


def _subleq(words: tuple[int, ...]) -> Iterator[str]:
    for first in range(0, len(words), _A_LINE):
        line = ", ".join(map(str, words[first : first + _A_LINE]))
        yield f"        .word {line}".ljust(40) + f"; {first}"


def _riscv(words: tuple[int, ...], machine: str) -> Iterator[str]:
    for place, word in enumerate(words):
        text = disassemble(word, 4 * place, RISCV[machine])
        yield f"        .word {word:#010x}".ljust(32) + f"# {4 * place:#x}: {text}"
