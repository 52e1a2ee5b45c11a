"""LoopCase: one loop of a machine, with the state before it and the state that must follow.

The reference gives both. Cases come from the random programs of a machine's fuzz profile, or from
the first steps of given programs. The host does nothing between the two states.
"""

from __future__ import annotations

import copy
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from looped import registry
from looped.artefact.embedding import State
from looped.artefact.plan import Plan
from looped.image import Image
from looped.trace import Step
from looped.verify.expected import Expected

__all__ = ["LoopCase", "program_loops", "random_loops"]

_PROGRAMS = 400
"""The most random programs that the cases come from."""

_IDLE = 60
"""The search ends after so many programs in a row that add nothing. On RV32I it then has found 68
kinds of loops, but no breakpoint."""

_STEPS = 100
"""The steps of a random program; most halt earlier."""


_UNNAMED = "unnamed"
"""An instruction whose word has no text, such as a `fence` with unusual bits."""


@dataclass(frozen=True, eq=False, slots=True)
class LoopCase:
    """The residual streams (columns, d_model) before and after a loop, and what it executes."""

    kind: str
    before: State
    after: State


def random_loops(plan: Plan, of_each: int, seed: int = 0) -> list[LoopCase]:
    """At most `of_each` loops of every kind, each from another random program.

    Raises CompileError for a machine without random programs.
    """
    generate = registry.fuzz_profile(plan.machine).generate
    counts: Counter[str] = Counter()
    chosen: list[LoopCase] = []
    idle = 0
    for number in range(_PROGRAMS):
        rng = random.Random(f"{seed} {number}")
        case = generate(rng, plan.width, plan.memory, number)
        loops = program_loops(plan, case.image, case.data, _STEPS)
        found = {loop.kind: loop for loop in loops if counts[loop.kind] < of_each}
        chosen += found.values()
        counts.update(found.keys())
        idle = 0 if found else idle + 1
        if idle == _IDLE:
            break
    return chosen


def program_loops(plan: Plan, image: Image, data: bytes, steps: int) -> Iterator[LoopCase]:
    """The loops of a program in order, each without what the host does after it.

    An instruction that takes input is there twice: first while the machine waits for it. After the
    last instruction, or a trap, comes a loop of the halted machine.
    """
    expected = Expected(image, plan, data)
    for _ in range(steps):
        if expected.halted:
            break
        if plan.ports.input is not None and expected.reference.takes_input():
            yield _waiting(expected)
        mnemonic = _mnemonic(image, expected)
        alone = _alone(expected)
        step = alone.step()
        assert step is not None
        yield _case(_kind(image, mnemonic, step), expected, alone)
        if alone.halted:
            still = _alone(alone)
            still.step()
            yield _case("halted", alone, still)
        expected.step()


def _case(kind: str, before: Expected, after: Expected) -> LoopCase:
    """A case; what the host puts into the input column after the loop is left out."""
    if before.plan.ports.input is not None:
        after.x[before.plan.input] = before.x[before.plan.input]
    return LoopCase(kind, before.x.copy(), after.x.copy())


def _alone(expected: Expected) -> Expected:
    """A twin that no system serves."""
    twin = copy.copy(expected)
    twin.system, twin.x, twin.output = None, expected.x.copy(), bytearray(expected.output)
    twin.reference = copy.deepcopy(expected.reference)
    return twin


def _waiting(expected: Expected) -> LoopCase:
    """A machine whose next instruction takes input, and that has none: only `waiting` is set."""
    twin, ports, cpu = _alone(expected), expected.plan.ports, expected.plan.cpu
    assert ports.input is not None
    twin.set(cpu, ports.input.ready, 0)
    before = twin.x.copy()
    twin.set(cpu, ports.input.taken, 0)
    twin.set(cpu, ports.input.waiting, 1)
    if ports.output is not None:
        twin.set(cpu, ports.output.when, 0)
        twin.set(cpu, ports.output.content, 0)
    return LoopCase("waiting", before, twin.x)


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
