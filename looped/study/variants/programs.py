"""The programs that every host of the table runs: random ones that never come to rest."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import cache

from looped.image import Image
from looped.profiles.case import Case
from looped.registry import registry
from looped.study.variants.activity import activity

__all__ = ["BITS", "LEAST", "MEMORY", "long_programs"]

BITS, MEMORY = 8, 32
"""The size of the machines in the table."""

LEAST = 300
"""Instructions in which a program must do all that makes it one of the table."""

_VALUES, _COUNTERS = 100, 6
"""Different words that a program writes in LEAST instructions, and different program counters."""


@cache
def long_programs(count: int, steps: int, harvard: bool = False) -> tuple[Case, ...]:
    """The first random programs of SUBLEQ, by their seeds, in which no state comes twice in so many
    instructions, and LEAST at least.

    In the first LEAST each program changes all bits of words and writes many different ones. It
    changes its instructions, too. A program of a `harvard` machine does not, and there the program
    counter stays in memory.
    """
    make: Callable[[int], Case] = _apart if harvard else _mixed
    found, seed = list[Case](), 0
    while len(found) < count:
        case = make(seed)
        if _is_fit(case, max(LEAST, steps) + 1, harvard):
            found.append(case)
        seed += 1
    return tuple(found)


def _mixed(seed: int) -> Case:
    """A program of the fuzzer, which mixes code and data."""
    machine = registry.machine("subleq")
    assert machine.fuzz is not None
    return machine.fuzz.generate(random.Random(seed), BITS, MEMORY, seed)


_CODE = 5
"""Instructions of a program whose code and data are apart, before the jump to the first one."""


def _apart(seed: int) -> Case:
    """A loop of random instructions whose operands are data; it takes no input."""
    rng, first = random.Random(seed), 3 * (_CODE + 1)
    words = [rng.randrange(1 << BITS) for _ in range(MEMORY)]
    for pc in range(0, first - 3, 3):
        b = (1 << BITS) - 1 if rng.random() < 0.1 else rng.randrange(first, MEMORY)
        words[pc : pc + 3] = rng.randrange(first, MEMORY), b, 3 * rng.randrange(_CODE + 1)
    words[first - 3 : first] = MEMORY - 1, MEMORY - 1, 0
    return Case(Image("subleq", BITS, tuple(words)))


def _is_fit(case: Case, steps: int, harvard: bool) -> bool:
    """Whether no state of a program comes twice in so many steps, and it does enough in LEAST."""
    if activity(case, BITS, MEMORY, steps).states < steps:
        return False
    first = activity(case, BITS, MEMORY, LEAST)
    if first.values < _VALUES or len(first.counters) < _COUNTERS or first.bits + 1 != 1 << BITS:
        return False
    return bool(first.changed) != harvard
