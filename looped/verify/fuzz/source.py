"""A random program as a source file, so that it can be read, kept, and run again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from looped.isa.rv32i_text import disassemble
from looped.reference import Subleq
from looped.verify.fuzz.case import Case

__all__ = ["rv32i_source", "subleq_source"]


def subleq_source(case: Case, header: Sequence[str], memory: int, steps: int) -> str:
    """SUBLEQ: what is executed in the first `steps` steps as instructions, all else as words."""
    image = case.image
    computer = Subleq(image.words, image.width, memory, case.data, image.entry)
    executed: set[int] = set()
    for _ in range(steps):
        if computer.halted:
            break
        executed.add(computer.pc % memory)
        computer.step()
    lines = [*(f"; {line}".rstrip() for line in header), "", ".machine subleq"]
    lines += [f".width {image.width}", ""]
    lines += _laid_out(image.words, executed, image.width)
    return "\n".join(lines) + "\n"


def rv32i_source(case: Case, header: Sequence[str], memory: int, steps: int) -> str:
    """RV32I: instructions where words are some, `_start` where execution begins."""
    image = case.image
    lines = [*(f"# {line}".rstrip() for line in header), "", "        .text"]
    at = 0
    for place in _used(image.words, image.entry // 4):
        if place != at:
            lines.append(f"        .org {4 * place:#x}")
        if 4 * place == image.entry:
            lines += ["        .globl _start", "_start:"]
        word = image.words[place]
        note = f"{' ' * 4}# {4 * place:#x}: {word:#010x}"
        lines.append(f"        {disassemble(word, 4 * place)}{note if word else ''}")
        at = place + 1
    return "\n".join(lines) + "\n"


def _used(words: Sequence[int], entry: int) -> list[int]:
    """The places of words that are not zero, of the first to be executed and of the last.

    The last one is there so that the program takes all the memory that it was found in.
    """
    used = {place for place, word in enumerate(words) if word}
    return sorted(used | {entry, len(words) - 1})


def _laid_out(words: Sequence[int], executed: set[int], width: int) -> Iterator[str]:
    """The lines of a SUBLEQ program."""
    half, full = 1 << width - 1, 1 << width
    signed = [word - full if word >= half else word for word in words]
    at = 0
    for place in range(len(words)):
        if place < at:
            continue
        instruction = signed[place : place + 3]
        if place in executed and len(instruction) == 3:
            text, size = f"subleq {', '.join(map(str, instruction))}", 3
        elif words[place] or place == len(words) - 1:
            text, size = f".word {signed[place]}", 1
        else:
            continue
        if place != at:
            yield f"        .org {place}"
        yield f"        {text}"
        at = place + size
