"""Leaps: programs that begin just before the instruction at which another one goes wrong.

A failure usually lies in one instruction and its operands. So the state before it, as the reference
has it, is made the beginning of a program, in some ways of which one may fail just the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from looped.isa.rv32i import encode
from looped.reference import Subleq
from looped.verify.fuzz.case import Case
from looped.verify.fuzz.served import ServedHart

__all__ = ["rv32i_leaps", "subleq_leaps"]


def subleq_leaps(case: Case, memory: int, steps: int) -> Iterator[Case]:
    """The instruction moved to address 0, or left where it is behind a jump."""
    image = case.image
    computer = Subleq(image.words, image.width, memory, case.data, image.entry)
    for _ in range(steps):
        computer.step()
    pc, words = computer.pc, tuple(computer.memory)
    data = case.data[computer.position :]
    instruction = tuple(words[(pc + k) % memory] for k in range(3))
    yield Case(replace(image, words=(*instruction, *words[3:])), data)
    for idle in range(3, memory):
        if words[idle] == 0 and idle % memory not in {w % memory for w in instruction}:
            yield Case(replace(image, words=(idle, idle, pc, *words[3:])), data)
            break


def rv32i_leaps(case: Case, memory: int, steps: int) -> Iterator[Case]:
    """The instruction behind those that load its two registers: at 0, or where it was."""
    run = ServedHart(case.image, memory, case.data)
    for _ in range(steps):
        run.step()
    hart, place = run.hart, run.hart.pc >> 2
    word = hart.memory[place]
    loads = [
        load
        for number in dict.fromkeys((word >> 15 & 31, word >> 20 & 31))
        for load in _load(number, hart.x[number])
    ]
    for start in (0, place - len(loads)):
        words = list(hart.memory)
        words[max(start, 0) : max(start, 0) + len(loads) + 1] = [*loads, word]
        if start >= 0 and len(words) == memory:
            yield Case(replace(case.image, words=tuple(words), entry=4 * start), case.data)


def _load(number: int, value: int) -> Iterator[int]:
    """Instructions that bring a value into a register that is still zero."""
    low = (value & 0xFFF ^ 0x800) - 0x800
    high = (value - low & 0xFFFFFFFF) >> 12
    base = 0
    if number != 0 and high:
        yield encode("lui", number, imm=high)
        base = number
    if number != 0 and low:
        yield encode("addi", number, base, imm=low)
