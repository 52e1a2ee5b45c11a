"""Fuzzer: what the campaign must know of a machine to try random programs on it; the registry."""

from __future__ import annotations

import functools
import random
from collections.abc import Callable
from dataclasses import dataclass

from looped.artefact.plan import Plan
from looped.profiles.case import Case, Coverage
from looped.profiles.riscv import coverage as rv32i_coverage
from looped.profiles.riscv import generate as rv32i
from looped.profiles.subleq import coverage as subleq_coverage
from looped.profiles.subleq import generate as subleq

__all__ = ["FUZZERS", "Fuzzer", "make_case"]


@dataclass(frozen=True, slots=True)
class Fuzzer:
    """How the random programs of a machine are made, and what is counted of them.

    `generate(rng, width, memory, number)` makes one, `observe(case, memory, steps)` says what its
    first steps do, `classes(width, memory)` names all that they can do.
    """

    generate: Callable[[random.Random, int, int, int], Case]
    observe: Callable[[Case, int, int], Coverage]
    classes: Callable[[int, int], tuple[str, ...]]


FUZZERS: dict[str, Fuzzer] = {
    "rv32i": Fuzzer(rv32i.generate, rv32i_coverage.observe, rv32i_coverage.classes),
    "rv32im": Fuzzer(
        functools.partial(rv32i.generate, machine="rv32im"),
        rv32i_coverage.observe,
        functools.partial(rv32i_coverage.classes, machine="rv32im"),
    ),
    "subleq": Fuzzer(subleq.generate, subleq_coverage.observe, subleq_coverage.classes),
}
"""One entry for each machine."""


def make_case(plan: Plan, seed: int, number: int) -> Case:
    """Random program `number` of a seed: a function of these, of machine, width and memory."""
    rng = random.Random(f"{plan.machine} {plan.width} {plan.memory} {seed} {number}")
    return FUZZERS[plan.machine].generate(rng, plan.width, plan.memory, number)
