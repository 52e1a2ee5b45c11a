"""The trace of the reference, in the records of traces."""

from __future__ import annotations

from collections.abc import Iterator

from looped.artefact.plan import Plan
from looped.image import Image
from looped.traces.memory import Memory
from looped.traces.record import Record
from looped.verify.expected import Expected

__all__ = ["reference_records"]


def reference_records(image: Image, plan: Plan, data: bytes) -> Iterator[Record]:
    """A record for every instruction of a program, until it halts.

    They are those of a run, except `loop`: the reference counts a loop per instruction.
    """
    expected = Expected(image, plan, data)
    memory = Memory(plan, image, [*image.padded(plan.memory), *[0] * plan.n_registers])
    while True:
        step = expected.step()
        if step is None:
            return
        yield memory.follow(step)
