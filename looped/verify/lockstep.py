"""Engine beside reference: after every instruction, every lane of every column must be equal.

After each instruction, and each loop of one, the columns are compared that the engine or the
reference has changed. Whole states are compared at the beginning, at the end, and after so many
instructions as the machine has columns, at least `SHORTEST`: that costs as much an instruction as
the comparison of one column, however large the memory is. It finds what an engine changes and does
not report.

If a difference shows some instructions after the last whole state that was equal, the programs run
again, and whole states are compared in smaller and smaller steps from there: so the first
instruction with a difference is the one that is reported.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from looped.artefact.plan import CompiledMachine
from looped.engines.engine import Engine
from looped.environment import USUAL, Environment
from looped.image import Image
from looped.verify.difference import Difference, Mismatch
from looped.verify.pairs import Pairs, Rhythm
from looped.verify.stillness import Stillness
from looped.verify.taped import Taped, can_tape

__all__ = ["SHORTEST", "Agreement", "Difference", "Mismatch", "lockstep"]

SHORTEST = 4096
"""The fewest instructions between two whole states: as many as one tape has passes."""

_PARTS = 64
"""A search for the first difference compares so many whole states in one run."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """Steps compared over all programs, lanes compared in each, and whether all had halted.

    `endless` is the address of the instruction in which the only program stands still, else None.
    """

    programs: int
    steps: int
    lanes: int
    halted: bool
    outputs: tuple[bytes, ...]
    endless: int | None = None


def lockstep(
    machine: CompiledMachine,
    engine: Engine,
    images: Sequence[Image],
    inputs: Sequence[bytes],
    steps: int | None = None,
    progress: Callable[[int], None] = lambda done: None,
    environment: Environment = USUAL,
) -> Agreement:
    """Run programs on an engine and on the reference until each has halted or done `steps` steps.

    The residual streams must be equal: memory, pc, flags, ports, scratch lanes, each exactly ±1. It
    also compares output, exit status and the count of instructions that the host executes with the
    reference's own system, and the files of programs that have halted: each side has a copy of the
    folder of the environment. After a program has halted, one more loop must change nothing but the
    flags. A single program on `lifted` runs in stretches (`looped.verify.taped`). The run of a
    single program also ends when it stands still: every further step would be the same.

    Raises Mismatch with the first Difference, CompileError for a program that needs other
    parameters of its machine, and FileError for a folder that cannot be copied.
    """
    plan, earlier, gap = machine.plan, None, 0
    kind = Taped if len(images) == 1 and can_tape(engine, plan) else Pairs
    rhythm = Rhythm(0, max(SHORTEST, plan.columns))
    while True:
        pairs = kind(plan, engine, images, inputs, environment, rhythm)
        try:
            endless = _run(pairs, steps, progress)
        except Mismatch as found:
            equal = pairs.equal[found.difference.program]
            distance = found.difference.step - equal
            if distance <= 1 or (earlier is not None and distance >= gap):
                raise
            earlier, gap = found, distance
            rhythm = Rhythm(equal, max(1, distance // _PARTS))
            continue
        if earlier is not None:  # it does not come again
            raise earlier
        return _agreement(pairs, endless)


def _run(pairs: Pairs, steps: int | None, progress: Callable[[int], None]) -> bool:
    """Compare to the end; returns whether the program stands still. Raises Mismatch."""
    running, still, stillness = [True], False, Stillness(pairs)
    while any(running) and not still:
        running = pairs.running()
        if steps is not None and pairs.have_done(steps):
            break
        most = SHORTEST if steps is None else min(SHORTEST, max(1, steps - max(pairs.counts)))
        pairs.advance(most)
        still = not (steps is not None and pairs.have_done(steps)) and stillness.look()
        progress(max(pairs.counts))
    pairs.finish()
    return still


def _agreement(pairs: Pairs, still: bool) -> Agreement:
    """How far the programs were compared."""
    return Agreement(
        programs=len(pairs.images),
        steps=sum(pairs.counts),
        lanes=pairs.plan.columns * pairs.plan.d_model,
        halted=not any(pairs.running()),
        outputs=tuple(bytes(e.output) for e in pairs.expected),
        endless=pairs.expected[0].reference.pc if still else None,
    )
