"""Activity: what a SUBLEQ program does in its first instructions, by the reference."""

from __future__ import annotations

from dataclasses import dataclass

from looped.profiles.case import Case
from looped.registry import registry

__all__ = ["Activity", "activity"]


@dataclass(frozen=True, slots=True)
class Activity:
    """What so many `steps` did, fewer than were asked for if the program halts.

    `states` counts different ones, each a program counter and all words of memory. `values` and
    `places` are the different words that were written and their addresses; `bits` is the union of
    the bits that changed in a word. `counters` are the program counters of executed instructions,
    `changed` those at which the same instruction was later another one.
    """

    steps: int
    states: int
    values: int
    places: int
    bits: int
    counters: frozenset[int]
    changed: frozenset[int]


def activity(case: Case, width: int, memory: int, steps: int) -> Activity:
    """Run a program for so many instructions."""
    computer = registry.machine("subleq").reference(case.image.words, width, memory, case.data, 0)
    states, executed = list[tuple[int, tuple[int, ...]]](), dict[int, set[tuple[int, ...]]]()
    values, places, bits = set[int](), set[int](), 0
    while len(states) < steps and not computer.halted:
        before = tuple(computer.memory)
        states.append((computer.pc, before))
        own = tuple(before[(computer.pc + k) % memory] for k in range(3))
        executed.setdefault(computer.pc, set()).add(own)
        for write in computer.step().writes:
            values.add(write.value)
            places.add(write.address)
            bits |= before[write.address] ^ write.value
    changed = frozenset(pc for pc, found in executed.items() if len(found) > 1)
    different = len(set(states))
    return Activity(
        len(states), different, len(values), len(places), bits, frozenset(executed), changed
    )
