"""LoopCase: one loop of a machine, with the state before it and the state that must follow.

The reference gives both. Cases come from the random programs of a machine's fuzz profile, or from
the first steps of given programs. The host does nothing between the two states. The profile names
classes of instructions, corners such as a shift by 0 among them: each class has a case.
"""

from __future__ import annotations

import bisect
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from looped import registry
from looped.artefact.embedding import State
from looped.artefact.plan import Plan
from looped.image import Image
from looped.profiles.case import Case
from looped.trace import Step
from looped.verify.expected import Expected

__all__ = ["LoopCase", "program_loops", "random_loops"]

_PROGRAMS = 400
"""The most random programs that the cases come from."""

_IDLE = 60
"""The search ends after so many programs in a row that add nothing, if each class has a case."""

_STEPS = 100
"""The steps of a random program; most halt earlier."""


_UNNAMED = "unnamed"
"""An instruction whose word has no text, such as a `fence` with unusual bits."""


@dataclass(frozen=True, eq=False, slots=True)
class LoopCase:
    """The residual streams (columns, d_model) before and after a loop, and what it executes.

    `step` is the number of its instruction in the program, from 1 on; None if it executes none.
    """

    kind: str
    before: State
    after: State
    step: int | None


def random_loops(plan: Plan, of_each: int, seed: int = 0) -> list[LoopCase]:
    """At most `of_each` loops of every kind, each from another random program, and beyond these
    one of every class of instructions that the machine's fuzz profile counts.

    Raises CompileError for a machine without random programs.
    """
    profile, parameters = registry.fuzz_profile(plan.machine), plan.parameters
    missing = set(profile.classes(plan.width, plan.memory, **parameters))
    counts: Counter[str] = Counter()
    chosen: list[LoopCase] = []
    idle = 0
    for number in range(_PROGRAMS):
        rng = random.Random(f"{seed} {number}")
        case = profile.generate(rng, plan.width, plan.memory, number, **parameters)
        loops = list(program_loops(plan, case.image, case.data, _STEPS))
        steps = _corners(plan, case, missing)
        last = {loop.kind: loop for loop in loops if counts[loop.kind] < of_each}
        found = [loop for loop in loops if loop is last.get(loop.kind) or loop.step in steps]
        chosen += found
        counts.update(loop.kind for loop in found)
        idle = 0 if found else idle + 1
        if idle >= _IDLE and not missing:
            break
    return chosen


def _corners(plan: Plan, case: Case, missing: set[str]) -> set[int]:
    """For each class in `missing` that a random program has, the number of its last step of that
    class; `missing` loses these classes."""
    observe = registry.fuzz_profile(plan.machine).observe

    def counts(steps: int) -> Counter[str]:
        return observe(case, plan.memory, steps, **plan.parameters).classes

    total = counts(_STEPS) if missing else Counter[str]()
    found = missing.intersection(total)
    missing -= found
    return {
        bisect.bisect_left(range(_STEPS), total[name], key=lambda steps: counts(steps)[name])
        for name in found
    }


def program_loops(plan: Plan, image: Image, data: bytes, steps: int) -> Iterator[LoopCase]:
    """The loops of a program in order, each without what the host does after it.

    An instruction that takes input is there twice: first while the machine waits for it. After the
    last instruction, or a trap, comes a loop of the halted machine.
    """
    expected = Expected(image, plan, data)
    for number in range(1, steps + 1):
        if expected.halted:
            break
        if plan.ports.input is not None and expected.reference.takes_input():
            yield _waiting(expected)
        mnemonic = _mnemonic(image, expected)
        alone = expected.alone()
        step = alone.step()
        assert step is not None
        yield _case(_kind(image, mnemonic, step), expected, alone, number)
        if alone.halted:
            still = alone.alone()
            still.step()
            yield _case("halted", alone, still)
        expected.step()


def _case(kind: str, before: Expected, after: Expected, step: int | None = None) -> LoopCase:
    """A case; what the host puts into the input column after the loop is left out."""
    if before.plan.ports.input is not None:
        after.x[before.plan.input] = before.x[before.plan.input]
    return LoopCase(kind, before.x.copy(), after.x.copy(), step)


def _waiting(expected: Expected) -> LoopCase:
    """A machine whose next instruction takes input, and that has none: only `waiting` is set."""
    twin, ports, cpu = expected.alone(), expected.plan.ports, expected.plan.cpu
    assert ports.input is not None
    twin.set(cpu, ports.input.ready, 0)
    before = twin.x.copy()
    twin.set(cpu, ports.input.taken, 0)
    twin.set(cpu, ports.input.waiting, 1)
    if ports.output is not None:
        twin.set(cpu, ports.output.when, 0)
        twin.set(cpu, ports.output.content, 0)
    return LoopCase("waiting", before, twin.x, None)


def _mnemonic(image: Image, expected: Expected) -> str:
    """The name of the next instruction; `unnamed` if it has no text."""
    described, reference = registry.machine(image.machine), expected.reference
    memory, first = reference.memory, image.index(reference.pc)
    places = range(first, first + described.instruction_words)
    words = tuple(memory[place % len(memory)] for place in places)
    name = described.disassemble(words, reference.pc, image.width).split()[0]
    return _UNNAMED if name.startswith(".") else name


def _kind(image: Image, mnemonic: str, step: Step) -> str:
    """What an instruction is and does: `beq`, `beq taken`, `subleq input`, `lw trap 4`."""
    described = registry.machine(image.machine)
    if step.cause is not None:
        unnamed = mnemonic == _UNNAMED or step.cause in described.causes_of_next
        return f"trap {step.cause}" if unnamed else f"{mnemonic} trap {step.cause}"
    if step.consumed is not None:
        return f"{mnemonic} input"
    if step.emitted is not None:
        return f"{mnemonic} output"
    length = described.instruction_words * image.addresses_per_word
    following = step.pc + length & (1 << image.width) - 1
    return mnemonic if step.next_pc == following else f"{mnemonic} taken"
