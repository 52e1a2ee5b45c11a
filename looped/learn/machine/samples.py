"""Single loops from traces of random programs, as words: the state before, the state after, what
the loop executes.

A program is random memory with a random entry. The reference executes it for a few instructions;
memory and program counter are then as programs leave them. Half of the programs are those of the
machine's fuzz profile, which look for corners.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from looped import registry
from looped.artefact.plan import Plan
from looped.learn.machine.states import Rows, States
from looped.reference import Reference
from looped.trace import Step

__all__ = ["KINDS", "Loops", "Sampler"]

KINDS = ("taken", "not taken", "input", "output", "changes itself", "waiting", "halted")
"""What a loop executes. An instruction that writes to one of its own words has that kind."""

_STEPS = 6
"""Instructions of a random program: most have then halted or repeat themselves."""

_CORNERS = 0.3
"""The share of words that are corners: enough that each kind has some percent of all loops."""

_FUZZED = 0.25
"""The share of programs from the fuzz profile, which take ten times as long to make."""


@dataclass(frozen=True, eq=False, slots=True)
class Loops:
    """Rows (loops, words) before and after, and the index in KINDS of each loop (loops,)."""

    before: Rows
    after: Rows
    kinds: Rows

    def __len__(self) -> int:
        return len(self.kinds)


class Sampler:
    """An endless stream of loops of one machine; the same seed gives the same stream.

    So many random programs as `ports` says begin with an instruction whose first or second word is
    all ones: with input or output, which are rare otherwise.
    """

    def __init__(self, plan: Plan, seed: int | str, ports: float = 0.0) -> None:
        self.plan = plan
        self.ports = ports
        self.states = States(plan)
        self._random = random.Random(seed)
        self._kind = registry.machine(plan.machine)
        self._profile = registry.fuzz_profile(plan.machine)
        self._left: list[tuple[list[int], list[int], int]] = []
        self._programs = 0
        self._ones = (1 << plan.width) - 1
        half = 1 << plan.width - 1
        self._corners = (0, 1, self._ones, self._ones, half, half - 1)

    def take(self, count: int) -> Loops:
        """The next loops."""
        while len(self._left) < count:
            self._left += self._program()
        taken, self._left = self._left[:count], self._left[count:]
        before, after, kinds = (np.array(part, np.int64) for part in zip(*taken, strict=True))
        return Loops(before, after, kinds)

    def _program(self) -> Iterator[tuple[list[int], list[int], int]]:
        plan, rng = self.plan, self._random
        self._programs += 1
        if rng.random() < _FUZZED:
            case = self._profile.generate(rng, plan.width, plan.memory, self._programs)
            words, data, entry, steps = case.image.words, case.data, 0, 64
        else:
            own = [self._word() for _ in range(plan.memory)]
            data, entry, steps = rng.randbytes(3), self._word() >> 1, _STEPS
            if rng.random() < self.ports:
                own[(entry + rng.randrange(2)) % plan.memory] = self._ones
            words = tuple(own)
        kind = self._kind.reference(words, plan.width, plan.memory, data, entry, **plan.parameters)
        known: set[tuple[int, ...]] = set()
        for loop in _loops(kind, self.states, steps):
            if tuple(loop[0]) in known:  # the program repeats itself
                return
            known.add(tuple(loop[0]))
            yield loop

    def _word(self) -> int:
        rng = self._random
        corner = rng.random() < _CORNERS
        return rng.choice(self._corners) if corner else rng.randrange(self._ones + 1)


def _loops(
    reference: Reference, states: States, steps: int
) -> Iterator[tuple[list[int], list[int], int]]:
    """The loops of a program, each without what the host does after it."""
    ports = states.plan.ports
    data, taken = reference.data, 0
    assert ports.input is not None and ports.output is not None
    ends = (1 << states.plan.width) - 1
    flags: dict[str, int] = {}
    for _ in range(steps):
        offered = data[taken] if taken < len(data) else ends
        host = {ports.input.ready: 1}

        def row(own: dict[str, int], offered: int = offered) -> list[int]:
            return states.row(reference.memory, offered, {**reference.cpu_words(), **own})

        if reference.halted:
            yield row({**flags, **host}), row(host), KINDS.index("halted")
            return
        if reference.takes_input():
            idle = {ports.input.ready: 0}
            yield (
                row({**flags, **idle}),
                row({ports.input.waiting: 1, **idle}),
                KINDS.index("waiting"),
            )
        before = row({**flags, **host})
        pc = reference.pc
        step = reference.step()
        flags = {}
        if step.emitted is not None:
            flags = {ports.output.when: 1, ports.output.content: step.emitted}
        if step.consumed is not None:
            flags = {ports.input.taken: 1}
            taken += 1
        yield before, row({**flags, **host}), KINDS.index(_kind(step, pc, states.plan))


def _kind(step: Step, pc: int, plan: Plan) -> str:
    own = {(pc + k) % plan.memory for k in range(3)}
    if any(access.address in own for access in step.writes):
        return "changes itself"
    if step.consumed is not None:
        return "input"
    if step.emitted is not None:
        return "output"
    return "not taken" if step.next_pc == (pc + 3) & (1 << plan.width) - 1 else "taken"
