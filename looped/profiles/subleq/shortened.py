"""Short SUBLEQ programs that soon execute the instruction at which a long one fails.

A failure usually lies in one instruction and the words that it reads. So the state before that
instruction, according to the reference, becomes the beginning of a program.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from looped.profiles.case import Case
from looped.reference import Subleq

__all__ = ["shortened_reproducers"]


def shortened_reproducers(case: Case, memory: int, steps: int, **dialect: int) -> Iterator[Case]:
    """The instruction moved to address 0, or left in place after a jump at 0."""
    image = case.image
    computer = Subleq(image.words, image.width, memory, case.data, image.entry, **dialect)
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
