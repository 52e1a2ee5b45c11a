"""Fuzzer: what the campaign must know of a machine to try random programs on it; the registry."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from looped.compiler.compiled import Plan
from looped.isa.rv32i import encode
from looped.verify.fuzz import rv32i, rv32i_coverage, subleq, subleq_coverage
from looped.verify.fuzz.case import Case, Coverage
from looped.verify.fuzz.leaps import rv32i_leaps, subleq_leaps
from looped.verify.fuzz.source import rv32i_source, subleq_source

__all__ = ["FUZZERS", "Fuzzer", "make_case"]


@dataclass(frozen=True, slots=True)
class Fuzzer:
    """How the random programs of a machine are made, and what is counted of them.

    `generate(rng, width, memory, number)` makes one, `observe(case, memory, steps)` says what its
    first steps do, `classes(width, memory)` names all that they can do.

    `leaps(case, memory, steps)` are smaller programs that may go wrong in the step after so many;
    `blanks` are words that do nothing. `source(case, header, memory, steps)` is the program as
    text, for a file that ends in `suffix`.
    """

    generate: Callable[[random.Random, int, int, int], Case]
    observe: Callable[[Case, int, int], Coverage]
    classes: Callable[[int, int], tuple[str, ...]]
    leaps: Callable[[Case, int, int], Iterator[Case]]
    blanks: tuple[int, ...]
    source: Callable[[Case, Sequence[str], int, int], str]
    suffix: str


FUZZERS: dict[str, Fuzzer] = {
    "rv32i": Fuzzer(
        rv32i.generate,
        rv32i_coverage.observe,
        rv32i_coverage.classes,
        rv32i_leaps,
        (0, encode("addi")),
        rv32i_source,
        ".s",
    ),
    "subleq": Fuzzer(
        subleq.generate,
        subleq_coverage.observe,
        subleq_coverage.classes,
        subleq_leaps,
        (0,),
        subleq_source,
        ".sasm",
    ),
}
"""One entry for each machine."""


def make_case(plan: Plan, seed: int, number: int) -> Case:
    """Random program `number` of a seed: a function of these, of machine, width and memory."""
    rng = random.Random(f"{plan.machine} {plan.width} {plan.memory} {seed} {number}")
    return FUZZERS[plan.machine].generate(rng, plan.width, plan.memory, number)
