"""Many random programs, transformer and reference in lockstep, in parts that several processes can
share."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from looped import registry
from looped.artefact.plan import CompiledMachine, Plan
from looped.engines.dense import DenseEngine
from looped.engines.engine import Engine
from looped.profiles.case import Case, Coverage
from looped.verify.lockstep import Difference, Mismatch, lockstep

__all__ = [
    "STEPS",
    "Failure",
    "PartResult",
    "failure_of",
    "fuzz",
    "make_case",
    "merge",
    "parts",
    "try_part",
]

STEPS = 64
"""The instructions of each program that a campaign compares by default."""

_PART = 32
"""Programs that one call tries. It is fixed, so that a report does not depend on the number of
processes."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A program on which the transformer and the reference differ, and the first difference.

    It is program `number` of its seed, or one made from it that begins just before the difference.
    """

    number: int
    case: Case
    difference: Difference


@dataclass(frozen=True, slots=True)
class PartResult:
    """The result of some programs: the number that ran equal, and the first that failed."""

    coverage: Coverage
    failure: Failure | None = None


def make_case(plan: Plan, seed: int, number: int) -> Case:
    """Random program `number` of a seed: a function of both, of machine, width and memory, and
    of the parameters."""
    rng = random.Random(f"{plan.machine} {plan.width} {plan.memory} {seed} {number}")
    return registry.fuzz_profile(plan.machine).generate(
        rng, plan.width, plan.memory, number, **plan.parameters
    )


def parts(count: int) -> list[range]:
    """The numbers of `count` programs in parts of equal size, the last one shorter."""
    return [range(first, min(first + _PART, count)) for first in range(0, count, _PART)]


def try_part(
    machine: CompiledMachine, engine: Engine, seed: int, numbers: range, steps: int = STEPS
) -> PartResult:
    """Run some programs of a seed in lockstep with the reference, side by side on the dense engine.

    If any fails, the result has the first failure by number and counts no program after it.
    """
    cases = [make_case(machine.plan, seed, number) for number in numbers]
    failure = _first_failure(machine, engine, numbers, cases, steps)
    if failure is not None:
        cases = cases[: failure.number - numbers[0]]
        failure = _begun_late(machine, engine, failure)
    observe = registry.fuzz_profile(machine.plan.machine).observe
    total = Coverage()
    for case in cases:
        total += observe(case, machine.plan.memory, steps, **machine.plan.parameters)
    return PartResult(total, failure)


def failure_of(
    machine: CompiledMachine, engine: Engine, case: Case, steps: int
) -> Difference | None:
    """The first difference of transformer and reference in a program that runs alone, or None."""
    try:
        lockstep(machine, engine, [case.image], [case.data], steps)
    except Mismatch as mismatch:
        return mismatch.difference
    return None


def merge(
    results: Iterable[PartResult], progress: Callable[[int], None] = lambda done: None
) -> PartResult:
    """The results of parts in their order as one, up to the first failure."""
    total = Coverage()
    for result in results:
        total += result.coverage
        progress(total.steps)
        if result.failure is not None:
            return PartResult(total, result.failure)
    return PartResult(total)


def fuzz(
    machine: CompiledMachine,
    engine: Engine,
    count: int,
    seed: int = 0,
    steps: int = STEPS,
    progress: Callable[[int], None] = lambda done: None,
) -> PartResult:
    """Programs 0 to `count` - 1 of a seed on one engine, until one fails."""
    tried = (try_part(machine, engine, seed, numbers, steps) for numbers in parts(count))
    return merge(tried, progress)


def _begun_late(machine: CompiledMachine, engine: Engine, failure: Failure) -> Failure:
    """The failure of a program that begins just before the difference, or the given one if none
    fails."""
    step, plan = failure.difference.step, machine.plan
    if step <= 1:
        return failure
    profile = registry.fuzz_profile(plan.machine)
    for case in profile.shortened_reproducers(
        failure.case, plan.memory, step - 1, **plan.parameters
    ):
        difference = failure_of(machine, engine, case, step)
        if difference is not None:
            return Failure(failure.number, case, difference)
    return failure


def _first_failure(
    machine: CompiledMachine, engine: Engine, numbers: range, cases: list[Case], steps: int
) -> Failure | None:
    together = None
    if isinstance(engine, DenseEngine):  # which takes hardly longer for many programs than for one
        try:
            lockstep(machine, engine, [c.image for c in cases], [c.data for c in cases], steps)
        except Mismatch as mismatch:
            failed = mismatch.difference.program
            together = Failure(numbers[failed], cases[failed], mismatch.difference)
        else:
            return None
    return next(_failures(machine, engine, numbers, cases, steps), together)


def _failures(
    machine: CompiledMachine, engine: Engine, numbers: range, cases: list[Case], steps: int
) -> Iterator[Failure]:
    for number, case in zip(numbers, cases, strict=True):
        difference = failure_of(machine, engine, case, steps)
        if difference is not None:
            yield Failure(number, case, difference)
