"""WatchedLoop: a loop of a run with all its activations, and what the host sees of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from looped.registry import disassembled
from looped.run.computer import Event
from looped.run.session import Session
from looped.study.cache import PlanCache, run_with_cache

__all__ = ["WatchedLoop", "watch"]


@dataclass(frozen=True, eq=False, slots=True)
class WatchedLoop:
    """Loop number `loop` of a run, in the instruction number `step`; both count from 1.

    `text` is the instruction, `source` its file and line, both empty if there is none. `first` says
    whether the loop is the first one of its instruction.
    """

    step: int
    loop: int
    first: bool
    text: str
    source: str
    cache: PlanCache
    event: Event


def watch(session: Session) -> Iterator[WatchedLoop]:
    """Run a program loop by loop and keep the activations of each.

    Loops in which the machine waits for input are left out.
    """
    computer, image = session.computer, session.image
    step, loop, first = session.steps + 1, 0, True
    while not computer.halted():
        pc = computer.pc()
        text = disassembled(image, session.port, pc) or ""
        location = image.location(pc)
        before = computer.state()[0]
        event = computer.step()[0]
        if event.waiting:
            continue
        loop += 1
        source = "" if location is None else str(location)
        cache = run_with_cache(session.machine, before)
        yield WatchedLoop(step, loop, first, text, source, cache, event)
        step, first = step + event.retired, event.retired
