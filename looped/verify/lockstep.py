"""Engine beside reference: after every loop, every lane of every column must be equal.

During an instruction of several loops, a machine must not change before the last loop, except in
its scratch lanes (`Plan.scratch`) and in those of the numbers that it prints: they need only be ±1.
The text that it prints in all loops is compared after the last one.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from looped import registry
from looped.artefact.embedding import read_word
from looped.artefact.plan import CompiledMachine, Plan
from looped.devices import ProgramHost
from looped.engines.engine import Engine
from looped.errors import MismatchError
from looped.image import Image
from looped.run.computer import Computer, Event
from looped.trace import Step
from looped.verify.expected import Expected

__all__ = ["Agreement", "Difference", "Mismatch", "lockstep"]

_MOST_LOOPS = 64
"""The most loops that an instruction may take."""


@dataclass(frozen=True, slots=True)
class Difference:
    """The first place where the transformer and the reference differ.

    `found` is what the lane or word holds, `expected` what it should hold; `place` names both
    column and lane or word.
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
class Agreement:
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
) -> Agreement:
    """Run programs on an engine and on the reference until each has halted or done `steps` steps.

    After every loop it compares the whole residual stream: memory, pc, flags, ports, scratch lanes,
    each exactly ±1. It also compares output, exit status and the count of instructions that the
    host executes with the reference's own system. After a program has halted, one more loop must
    change nothing but the flags. Raises Mismatch with the first Difference.
    """
    programs = _Programs(machine.plan, engine, images, inputs)
    for number in itertools.count(1):
        running = programs.running()
        if steps is not None and programs.have_done(steps):
            break
        programs.step(number)
        progress(number)
        if not any(running):
            break
    return programs.agreement()


class _Programs:
    """Programs on an engine, each with its reference. `counts` are the steps that each has done,
    `loops` those that its unfinished instruction has taken."""

    def __init__(
        self, plan: Plan, engine: Engine, images: Sequence[Image], inputs: Sequence[bytes]
    ) -> None:
        pairs = list(zip(images, inputs, strict=True))
        self.plan = plan
        self.images = images
        self.hosts = [registry.host_for(image, data) for image, data in pairs]
        words, entries = [image.words for image in images], [image.entry for image in images]
        self.computer = Computer(plan, engine, words, inputs, entries, self.hosts)
        self.expected = [Expected(image, plan, data) for image, data in pairs]
        self.counts, self.loops = [0] * len(images), [0] * len(images)
        pcs = [e.reference.pc for e in self.expected]
        idle = [Event(False, pc, pc) for pc in pcs]
        _compare(plan, images, self.expected, self.computer, 0, idle)

    def running(self) -> list[bool]:
        """Which programs have not halted."""
        return [not e.halted for e in self.expected]

    def have_done(self, steps: int) -> bool:
        """Whether some programs run, and each of those has done `steps` steps."""
        left = [n for n, runs in zip(self.counts, self.running(), strict=True) if runs]
        return bool(left) and min(left) >= steps

    def step(self, number: int) -> None:
        """One loop of the engine, and one step of each reference whose instruction is finished."""
        running, events = self.running(), self.computer.step()
        pairs = zip(self.expected, events, strict=True)
        done = [None if event.busy else e.step() for e, event in pairs]
        _compare(self.plan, self.images, self.expected, self.computer, number, events)
        _compare_io(self.images, events, done, number)
        _compare_hosts(self.images, self.hosts, self.expected, events, number)
        for program, event in enumerate(events):
            self.loops[program] = self.loops[program] + 1 if event.busy else 0
            self.counts[program] += running[program] and not event.busy
            if self.loops[program] > _MOST_LOOPS:
                raise _mismatch(self.images, program, number, event.pc, "`busy`", "1", "0 by then")

    def agreement(self) -> Agreement:
        """How far the programs were compared."""
        return Agreement(
            programs=len(self.images),
            steps=sum(self.counts),
            lanes=self.plan.columns * self.plan.d_model,
            halted=not any(self.running()),
            outputs=tuple(bytes(e.output) for e in self.expected),
        )


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
            free = np.ix_(plan.cpus, _free_lanes(plan))
            x[free] = np.where(state[program][free] > 0, 1, -1)
        if not np.array_equal(state[program], x):
            place, found, wanted = _first_difference(plan, state[program], x)
            raise _mismatch(images, program, number, event.pc, place, found, wanted)


def _free_lanes(plan: Plan) -> list[int]:
    """The lanes of the CPU columns that may change before the last loop of an instruction."""
    port = plan.ports.print
    words = () if port is None else (port.content, port.when, port.ends_line)
    return [*plan.scratch, *itertools.chain.from_iterable(plan.words[name] for name in words)]


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
            ("the byte of output", event.emitted, step.emitted),
            ("the text of the devices", event.written, step.written),
        )
        for what, found, wanted in pairs:
            if found != wanted:
                raise _mismatch(images, program, number, step.pc, what, str(found), str(wanted))


def _compare_hosts(
    images: Sequence[Image],
    hosts: Sequence[ProgramHost | None],
    expected: Sequence[Expected],
    events: Sequence[Event],
    number: int,
) -> None:
    """A host and the reference's own system must agree on the exit status and the emulation."""
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
