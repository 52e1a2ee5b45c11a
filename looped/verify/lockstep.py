"""Engine beside reference: after every loop, every lane of every column must be equal.

A machine that takes several loops for an instruction must be as it was before in all of them but
the last, but for the lanes in which it works (`Plan.working`): those need only be ±1.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from looped.artefact.embedding import read_word
from looped.artefact.plan import CompiledMachine, Plan
from looped.devices import RiscvHost, host_for
from looped.engines.engine import Engine
from looped.errors import MismatchError
from looped.image import Image
from looped.run.computer import Computer, Event
from looped.trace import Step
from looped.verify.expected import Expected

__all__ = ["Difference", "Mismatch", "Verdict", "lockstep"]

_MOST_LOOPS = 64
"""Loops that an instruction takes at most."""


@dataclass(frozen=True, slots=True)
class Difference:
    """The first place where the transformer and the reference differ.

    `found` is what stands in the lane, `expected` what should; `place` names column and lane.
    """

    program: int
    step: int
    pc: int
    location: str | None
    place: str
    found: str
    expected: str

    def __str__(self) -> str:
        source = f" ({self.location})" if self.location else ""
        return (
            f"after step {self.step}, the instruction at {self.pc}{source}: "
            f"{self.place} is {self.found} and should be {self.expected}"
        )


class Mismatch(MismatchError):
    """The transformer and the reference differ; `difference` says where first."""

    def __init__(self, difference: Difference, hint: str | None = None) -> None:
        super().__init__(str(difference), hint=hint)
        self.difference = difference


@dataclass(frozen=True, slots=True)
class Verdict:
    """Steps compared over all programs, lanes compared in each, and whether all had halted."""

    programs: int
    steps: int
    lanes: int
    halted: bool
    outputs: tuple[bytes, ...]


def lockstep(
    machine: CompiledMachine,
    engine: Engine,
    images: Sequence[Image],
    inputs: Sequence[bytes],
    steps: int | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> Verdict:
    """Run programs on an engine and on the reference until all have halted or done `steps` steps.

    After every loop the whole residual stream is compared: memory, pc, flags, ports, scratch lanes,
    each exactly ±1; so are output, exit status and the count of instructions that the host carries
    out, against the reference's own system calls. After a program has halted, one more loop must
    change nothing but the flags. Raises Mismatch with the first Difference.
    """
    plan = machine.plan
    pairs = list(zip(images, inputs, strict=True))
    hosts = [host_for(image, data) for image, data in pairs]
    computer = Computer(
        plan,
        engine,
        [image.words for image in images],
        inputs,
        [image.entry for image in images],
        hosts,
    )
    expected = [Expected(image, plan, data) for image, data in pairs]
    pcs = [e.reference.pc for e in expected]
    idle = [Event(False, pc, pc) for pc in pcs]
    _compare(plan, images, expected, computer, 0, idle)
    counts, loops = [0] * len(images), [0] * len(images)
    for number in itertools.count(1):
        running = [not e.halted for e in expected]
        left = [n for n, runs in zip(counts, running, strict=True) if runs]
        if left and steps is not None and min(left) >= steps:
            break
        events = computer.step()
        done = [None if event.busy else e.step() for e, event in zip(expected, events, strict=True)]
        _compare(plan, images, expected, computer, number, events)
        _compare_io(plan, images, events, done, number)
        _compare_hosts(images, hosts, expected, events, number)
        for program, event in enumerate(events):
            loops[program] = loops[program] + 1 if event.busy else 0
            counts[program] += running[program] and not event.busy
            if loops[program] > _MOST_LOOPS:
                raise _mismatch(images, program, number, event.pc, "`busy`", "1", "0 at last")
        progress(number)
        if not any(running):
            break
    halted = all(e.halted for e in expected)
    outputs = tuple(bytes(e.output) for e in expected)
    return Verdict(len(images), sum(counts), plan.columns * plan.d_model, halted, outputs)


def _compare(
    plan: Plan,
    images: Sequence[Image],
    expected: Sequence[Expected],
    computer: Computer,
    number: int,
    events: Sequence[Event],
) -> None:
    state = computer.state()
    for program, (should, event) in enumerate(zip(expected, events, strict=True)):
        x = should.x
        if event.busy:
            x = x.copy()
            lanes = list(plan.working)
            x[plan.cpu, lanes] = np.where(state[program, plan.cpu, lanes] > 0, 1, -1)
        if not np.array_equal(state[program], x):
            place, found, wanted = _first_difference(plan, state[program], x)
            raise _mismatch(images, program, number, event.pc, place, found, wanted)


def _first_difference(
    plan: Plan, x: npt.NDArray[np.float64], should: npt.NDArray[np.int8]
) -> tuple[str, str, str]:
    """Place, found and expected: as words where all lanes are ±1, else as the lane."""
    column, lane = (int(i) for i in np.argwhere(x != should)[0])
    name = plan.column_name(column)
    exact = abs(x[column, lane]) == 1
    for word, lanes in plan.words.items():
        if exact and lane in lanes:
            found, wanted = (int(read_word(s[column, list(lanes)])) for s in (x, should))
            return f"{name}, word `{word}`,", str(found), str(wanted)
    place = f"{name}, {plan.lane_name(lane)},"
    return place, f"{x[column, lane]:.9g}", f"{should[column, lane]:+d}"


def _compare_io(
    plan: Plan,
    images: Sequence[Image],
    events: Sequence[Event],
    done: Sequence[Step | None],
    number: int,
) -> None:
    for program, (event, step) in enumerate(zip(events, done, strict=True)):
        if step is None:
            continue
        pairs = (
            ("the input taken", event.consumed, step.consumed),
            ("the byte put out", event.emitted, step.emitted),
            ("what the host put out", event.written, step.written),
        )
        for what, found, wanted in pairs:
            if found != wanted:
                raise _mismatch(images, program, number, step.pc, what, str(found), str(wanted))


def _compare_hosts(
    images: Sequence[Image],
    hosts: Sequence[RiscvHost | None],
    expected: Sequence[Expected],
    events: Sequence[Event],
    number: int,
) -> None:
    """What a host tells of a program must be what the reference's own system tells."""
    for program, (host, should, event) in enumerate(zip(hosts, expected, events, strict=True)):
        if host is None:
            continue
        pairs = (
            ("the exit status", host.exit_code, should.exit_code),
            ("the count of emulated instructions", host.emulated, should.emulated),
        )
        for what, found, wanted in pairs:
            if found != wanted:
                raise _mismatch(images, program, number, event.pc, what, str(found), str(wanted))


def _mismatch(
    images: Sequence[Image],
    program: int,
    number: int,
    pc: int,
    place: str,
    found: str,
    wanted: str,
) -> Mismatch:
    location = images[program].location(pc)
    source = str(location) if location else None
    difference = Difference(program, number, pc, source, place, found, wanted)
    return Mismatch(difference)
