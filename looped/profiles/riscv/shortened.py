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
    case: Case, memory: int, steps: int, kind: type[Rv32i] = Rv32i
) -> Iterator[Case]:
    """Programs that load both registers at address 0, then execute the instruction, or jump to
    it."""
    run = ServedHart(case.image, memory, case.data, kind)
    for _ in range(steps):
        run.step()
    hart, place = run.hart, (run.hart.pc >> 2) % memory
    word = hart.memory[place]
    loads = [
        load
        for number in dict.fromkeys((word >> 15 & 31, word >> 20 & 31))
        for load in _load(number, hart.x[number])
    ]
    for last in (word, encode("jal", imm=4 * (place - len(loads)))):
        words = (*loads, last, *hart.memory[len(loads) + 1 :])
        yield replace(case, image=replace(case.image, words=words, entry=0))


def _load(number: int, value: int) -> Iterator[int]:
    """The instructions that load a value into a register that holds zero: LUI, ADDI."""
    low = (value & 0xFFF ^ 0x800) - 0x800
    high = value - low >> 12 & 0xFFFFF
    if number and high:
        yield encode("lui", number, imm=high)
    if number and low:
        yield encode("addi", number, number if high else 0, imm=low)
