"""Short RISC-V programs that soon execute the instruction at which a long one fails.

A failure usually lies in one instruction and the words that it reads. So the state before that
instruction, according to the reference, becomes the beginning of a program.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from looped.isa.rv32i import encode
from looped.profiles.case import Case
from looped.profiles.riscv.served import ServedHart
from looped.reference import Rv32i

__all__ = ["shortened_reproducers"]


def shortened_reproducers(
    case: Case, memory: int, steps: int, kind: type[Rv32i] = Rv32i, **regions: int
) -> Iterator[Case]:
    """Programs that load both registers where memory begins, then execute the instruction, or jump
    to it."""
    run = ServedHart(case.image, memory, case.data, kind)
    for _ in range(steps):
        run.step()
    hart, place = run.hart, run.hart.index(run.hart.pc) % memory
    word = hart.memory[place]
    loads = [
        load
        for number in dict.fromkeys((word >> 15 & 31, word >> 20 & 31))
        for load in _load(number, hart.x[number])
    ]
    lands = case.image.regions
    entry, stride = lands.bases[0], len(lands.bases)
    distance = lands.address(place) - entry - 4 * len(loads)
    jumps = [encode("jal", imm=distance)] if abs(distance) < 1 << 20 else []
    for last in (word, *jumps):
        words = list(hart.memory)
        words[: stride * (len(loads) + 1) : stride] = [*loads, last]
        yield replace(case, image=replace(case.image, words=tuple(words), entry=entry))


def _load(number: int, value: int) -> Iterator[int]:
    """The instructions that load a value into a register that holds zero: LUI, ADDI."""
    low = (value & 0xFFF ^ 0x800) - 0x800
    high = value - low >> 12 & 0xFFFFF
    if number and high:
        yield encode("lui", number, imm=high)
    if number and low:
        yield encode("addi", number, number if high else 0, imm=low)
