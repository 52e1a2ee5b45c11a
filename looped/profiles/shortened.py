"""Leaps: short programs that come at once to the instruction at which a long one goes wrong.

A failure usually lies in one instruction and what it reads. So the state before that instruction,
as the reference has it, is made the beginning of a program, in ways of which one may fail as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from looped.isa.rv32i import encode
from looped.profiles.case import Case
from looped.profiles.riscv.served import ServedHart
from looped.reference import Subleq

__all__ = ["leaps"]


def leaps(case: Case, memory: int, steps: int) -> Iterator[Case]:
    """Programs that soon execute what `case` does after so many steps, the shortest first."""
    return _subleq(case, memory, steps) if case.image.machine == "subleq" else _riscv(case, steps)


def _subleq(case: Case, memory: int, steps: int) -> Iterator[Case]:
    """The instruction moved to address 0, or where it was and a jump at 0."""
    image = case.image
    computer = Subleq(image.words, image.width, memory, case.data, image.entry)
    for _ in range(steps):
        computer.step()
    words = tuple(computer.memory)
    data = case.data[computer.position :]
    places = [(computer.pc + k) % memory for k in range(3)]
    instruction = tuple(words[place] for place in places)
    yield Case(replace(image, words=(*instruction, *words[3:])), data)
    needed = {*places, *(word % memory for word in instruction[:2])}
    idle = next(place for place in range(3, memory) if place not in needed)
    yield Case(replace(image, words=(idle, idle, computer.pc, *words[3:])), data)


def _riscv(case: Case, steps: int) -> Iterator[Case]:
    """Its two registers loaded at address 0, and then the instruction, or a jump to it."""
    memory = len(case.image.words)
    run = ServedHart(case.image, memory, case.data)
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
    """The instructions that bring a value into a register that holds zero: LUI, ADDI."""
    low = (value & 0xFFF ^ 0x800) - 0x800
    high = value - low >> 12 & 0xFFFFF
    if number and high:
        yield encode("lui", number, imm=high)
    if number and low:
        yield encode("addi", number, number if high else 0, imm=low)
