"""The programs that every host of the table runs."""

from __future__ import annotations

import random
from functools import cache

from looped.errors import CompileError
from looped.profiles.case import Case
from looped.registry import registry

__all__ = ["BITS", "MEMORY", "long_programs"]

BITS, MEMORY = 8, 32
"""The size of the machines in the table."""


@cache
def long_programs(count: int, steps: int, harvard: bool = False) -> tuple[Case, ...]:
    """The first random programs of SUBLEQ, by their seeds, that run for so many instructions. In
    those of a `harvard` machine nothing writes to instructions, and the program counter stays in
    memory."""
    machine, found, seed = registry.machine("subleq"), list[Case](), 0
    assert machine.fuzz is not None
    while len(found) < count:
        case = machine.fuzz.generate(random.Random(seed), BITS, MEMORY, seed)
        ahead = steps + 1 if harvard else steps  # a comparison of tokens looks one record ahead
        if (not harvard or _keeps_code(case)) and _is_long(case, ahead, harvard):
            found.append(case)
        seed += 1
    return tuple(found)


def _keeps_code(case: Case) -> bool:
    try:
        registry.machine("subleq").read_code(case.image, MEMORY)
    except CompileError:
        return False
    return True


def _is_long(case: Case, steps: int, inside: bool) -> bool:
    """Whether a program runs for so many instructions, `inside` memory if that is asked for."""
    machine = registry.machine("subleq")
    reference = machine.reference(case.image.words, BITS, MEMORY, case.data, 0)
    for _ in range(steps):
        if reference.halted or (inside and reference.step().next_pc >= MEMORY):
            return False
        if not inside:
            reference.step()
    return not reference.halted
