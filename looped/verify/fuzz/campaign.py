"""Many random programs, transformer beside reference: in parts, so that they can be shared out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from looped.artefact.plan import CompiledMachine
from looped.engines.dense import DenseEngine
from looped.engines.engine import Engine
from looped.profiles.case import Case, Coverage
from looped.profiles.profile import FUZZERS, make_case
from looped.profiles.shortened import leaps
from looped.verify.lockstep import Difference, Mismatch, lockstep

__all__ = ["STEPS", "Failure", "Outcome", "failure_of", "fuzz", "merge", "parts", "try_part"]

STEPS = 64
"""Instructions of each program that are compared, if not told otherwise."""

_PART = 32
"""Programs that are tried in one go, whoever does it: what is reported depends on no number of
processes."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A program with which the transformer and the reference differ, and where they first do.

    It is program `number` of its seed, or one that begins just before that one goes wrong.
    """

    number: int
    case: Case
    difference: Difference


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of some programs: those that ran equal are counted; then one may have failed."""

    coverage: Coverage
    failure: Failure | None = None


def parts(count: int) -> list[range]:
    """The numbers of `count` programs in parts of equal size, the last one shorter."""
    return [range(first, min(first + _PART, count)) for first in range(0, count, _PART)]


def try_part(
    machine: CompiledMachine, engine: Engine, seed: int, numbers: range, steps: int = STEPS
) -> Outcome:
    """Run some programs of a seed in lockstep with the reference, side by side on the dense engine.

    If any fails, the first one in the order of their numbers is the one told, and those after it
    are not counted.
    """
    cases = [make_case(machine.plan, seed, number) for number in numbers]
    failure = _first_failure(machine, engine, numbers, cases, steps)
    if failure is not None:
        cases = cases[: failure.number - numbers[0]]
        failure = _begun_late(machine, engine, failure)
    observe = FUZZERS[machine.plan.machine].observe
    total = Coverage()
    for case in cases:
        total += observe(case, machine.plan.memory, steps)
    return Outcome(total, failure)


def failure_of(
    machine: CompiledMachine, engine: Engine, case: Case, steps: int
) -> Difference | None:
    """Where the transformer and the reference differ in a program that runs alone, if they do."""
    try:
        lockstep(machine, engine, [case.image], [case.data], steps)
    except Mismatch as mismatch:
        return mismatch.difference
    return None


def merge(
    outcomes: Iterable[Outcome], progress: Callable[[int], None] = lambda done: None
) -> Outcome:
    """The outcomes of parts in their order as one, up to the first failure."""
    total = Coverage()
    for outcome in outcomes:
        total += outcome.coverage
        progress(total.steps)
        if outcome.failure is not None:
            return Outcome(total, outcome.failure)
    return Outcome(total)


def fuzz(
    machine: CompiledMachine,
    engine: Engine,
    count: int,
    seed: int = 0,
    steps: int = STEPS,
    progress: Callable[[int], None] = lambda done: None,
) -> Outcome:
    """Programs 0 to `count` - 1 of a seed on one engine, until one fails."""
    tried = (try_part(machine, engine, seed, numbers, steps) for numbers in parts(count))
    return merge(tried, progress)


def _begun_late(machine: CompiledMachine, engine: Engine, failure: Failure) -> Failure:
    """The failure of a program that begins just before, if one of those fails."""
    step, memory = failure.difference.step, machine.plan.memory
    for case in leaps(failure.case, memory, step - 1) if step > 1 else ():
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
