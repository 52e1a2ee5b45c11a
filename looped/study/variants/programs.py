"""The programs that every host of the table runs."""

from __future__ import annotations

import random
from functools import cache

from looped.profiles.case import Case
from looped.registry import registry

__all__ = ["BITS", "MEMORY", "long_programs"]

BITS, MEMORY = 8, 32
"""The size of the machines in the table."""


@cache
def long_programs(count: int, steps: int) -> tuple[Case, ...]:
    """The first random programs of SUBLEQ, by their seeds, that run for so many instructions."""
    machine, found, seed = registry.machine("subleq"), list[Case](), 0
    assert machine.fuzz is not None
    while len(found) < count:
        case = machine.fuzz.generate(random.Random(seed), BITS, MEMORY, seed)
        reference = machine.reference(case.image.words, BITS, MEMORY, case.data, 0)
        for _ in range(steps):
            if not reference.halted:
                reference.step()
        if not reference.halted:
            found.append(case)
        seed += 1
    return tuple(found)
