"""Short FLEQ programs that soon execute the instruction at which a long one fails.

A failure usually lies in one instruction and the words that it reads. So the state before that
instruction, according to the reference, becomes the beginning of a program.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from looped.isa.fleq import WORDS, Operation, encode
from looped.profiles.case import Case
from looped.reference import Fleq

__all__ = ["shortened_reproducers"]


def shortened_reproducers(
    case: Case, memory: int, steps: int, *, fraction: int, side: int
) -> Iterator[Case]:
    """The instruction moved to address 0, or left in place after a jump at 0."""
    image, length = case.image, len(WORDS)
    computer = Fleq(image.words, image.width, memory, fraction=fraction, side=side)
    for _ in range(steps):
        computer.step()
    if computer.halted:
        return
    words, pc = tuple(computer.memory), computer.pc
    places = [(pc + k) % memory for k in range(length)]
    instruction = tuple(words[place] for place in places)
    yield Case(replace(image, words=(*instruction, *words[length:])), case.data)
    step = computer.step()
    needed = {*places, *(access.address for access in (*step.reads, *step.writes))}
    idle = next((place for place in range(length, memory) if place not in needed), None)
    if idle is not None:
        jump = (encode(Operation("copy", judge=True)), idle, idle, idle, idle, pc)
        rest = (*words[length:idle], 0, *words[idle + 1 :])
        yield Case(replace(image, words=(*jump, *rest)), case.data)
