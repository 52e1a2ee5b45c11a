"""Engine beside reference: after every instruction, every lane of every column must be equal.

An instruction of several loops changes memory at most by its writes, in their order. Before its
last loop nothing else may change but its scratch lanes (`Plan.scratch`), those of the numbers that
it prints, and the register that numbers the workers: they need only be ±1. So in the loops before
the last one all columns are compared that the engine has changed. The text that it prints is
compared after the last one.
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
from looped.artefact.program import check_program
from looped.devices import ProgramHost
from looped.engines.engine import Engine
from looped.environment import USUAL, Environment
from looped.errors import MismatchError
from looped.image import Image
from looped.run.computer import Computer, Event
from looped.trace import Step
from looped.verify.expected import Expected

__all__ = ["Agreement", "Difference", "Mismatch", "lockstep"]


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
    environment: Environment = USUAL,
) -> Agreement:
    """Run programs on an engine and on the reference until each has halted or done `steps` steps.

    After every instruction it compares the whole residual stream: memory, pc, flags, ports, scratch
    lanes, each exactly ±1; within an instruction, what each loop has changed. It also compares
    output, exit status and the count of instructions that the host executes with the reference's
    own system. After a program has halted, one more loop must change nothing but the flags. Raises
    Mismatch with the first Difference, and CompileError for a program that needs other parameters
    of its machine.
    """
    programs = _Programs(machine.plan, engine, images, inputs, environment)
    running = [True]
    while any(running):
        running = programs.running()
        if steps is not None and programs.have_done(steps):
            break
        programs.step()
        progress(max(programs.counts))
    return programs.agreement()


class _Programs:
    """Programs on an engine, each with its reference. `counts` are the steps that each has done,
    `loops` those that its unfinished instruction has taken."""

    def __init__(
        self,
        plan: Plan,
        engine: Engine,
        images: Sequence[Image],
        inputs: Sequence[bytes],
        environment: Environment,
    ) -> None:
        pairs = list(zip(images, inputs, strict=True))
        for image in images:
            check_program(image, plan)
        self.plan = plan
        self._free = np.array(_free_lanes(self.plan), np.intp)
        self.images = images
        self.hosts = [registry.host_for(image, data, environment) for image, data in pairs]
        words, entries = [image.words for image in images], [image.entry for image in images]
        self.computer = Computer(plan, engine, words, inputs, entries, self.hosts)
        self.expected = [
            Expected(image, plan, data, environment=environment) for image, data in pairs
        ]
        self.counts, self.loops = [0] * len(images), [0] * len(images)
        machine = registry.machine(plan.machine)
        self.most_loops = machine.most_loops(plan.width, **plan.parameters)
        for program, state in enumerate(self.computer.state()):
            self._compare(program, 0, self.expected[program].reference.pc, state)

    def running(self) -> list[bool]:
        """Which programs have not halted."""
        return [not e.halted for e in self.expected]

    def have_done(self, steps: int) -> bool:
        """Whether some programs run, and each of those has done `steps` steps."""
        left = [n for n, runs in zip(self.counts, self.running(), strict=True) if runs]
        return bool(left) and min(left) >= steps

    def step(self) -> None:
        """One loop of the engine, and one step of each reference whose instruction is finished."""
        running, events = self.running(), self.computer.step()
        state = None if all(event.busy for event in events) else self.computer.state()
        for program, event in enumerate(events):
            if event.busy or state is None:
                self._continue(program, event)
            else:
                self._finish(program, event, state[program])
                self.loops[program] = 0
                self.counts[program] += running[program]

    def agreement(self) -> Agreement:
        """How far the programs were compared."""
        return Agreement(
            programs=len(self.images),
            steps=sum(self.counts),
            lanes=self.plan.columns * self.plan.d_model,
            halted=not any(self.running()),
            outputs=tuple(bytes(e.output) for e in self.expected),
        )

    def _continue(self, program: int, event: Event) -> None:
        """Compare what a loop has changed that is not the last one of its instruction."""
        number, expected = self.counts[program] + 1, self.expected[program]
        self.loops[program] += 1
        if self.loops[program] > self.most_loops:
            raise _mismatch(self.images, program, number, event.pc, "`busy`", "1", "0 by then")
        engine, lanes = self.computer.engine, np.arange(self.plan.d_model)
        columns = engine.changes(program)
        found = np.empty((len(columns), self.plan.d_model))
        for row, column in enumerate(columns.tolist()):
            found[row] = engine.read(column, lanes)[program]
        expected.follow(columns, found)
        wanted, free = expected.x[columns], self._free
        for row in np.flatnonzero(np.isin(columns, self.plan.cpus)).tolist():
            wanted[row, free] = np.where(found[row, free] > 0, 1, -1)
        if not np.array_equal(found, wanted):
            where = _first_difference(self.plan, found, wanted, columns)
            raise _mismatch(self.images, program, number, event.pc, *where)

    def _finish(self, program: int, event: Event, state: npt.NDArray[np.float64]) -> None:
        """Compare a program that has finished an instruction, or has halted."""
        number, expected = self.counts[program] + 1, self.expected[program]
        done = expected.step()
        self._compare(program, number, event.pc, state)
        _compare_io(self.images, program, event, done, number)
        host = self.hosts[program]
        if host is not None:
            _compare_host(self.images, program, host, expected, event, number)

    def _compare(self, program: int, number: int, pc: int, state: npt.NDArray[np.float64]) -> None:
        """Compare the whole residual stream of a program."""
        should = self.expected[program].x
        if not np.array_equal(state, should):
            where = _first_difference(self.plan, state, should, np.arange(len(state)))
            raise _mismatch(self.images, program, number, pc, *where)


def _free_lanes(plan: Plan) -> list[int]:
    """The lanes of the CPU columns that may change before the last loop of an instruction."""
    port = plan.ports.print
    words = [] if port is None else [port.content, port.when, port.ends_line]
    if plan.workers is not None:
        words.append(plan.workers.number)
    return [*plan.scratch, *itertools.chain.from_iterable(plan.words[name] for name in words)]


def _first_difference(
    plan: Plan,
    x: npt.NDArray[np.float64],
    should: npt.NDArray[np.int8],
    columns: npt.NDArray[np.intp],
) -> tuple[str, str, str]:
    """Place, found and expected: as words where all lanes are ±1, else as the lane.

    Row i of `x` and of `should` is column `columns[i]`.
    """
    row, lane = (int(i) for i in np.argwhere(x != should)[0])
    name = plan.column_name(int(columns[row]))
    exact = abs(x[row, lane]) == 1
    for word, lanes in plan.words.items():
        if exact and lane in lanes:
            found, wanted = (int(read_word(s[row, list(lanes)])) for s in (x, should))
            return f"{name}, word `{word}`,", str(found), str(wanted)
    place = f"{name}, {plan.lane_name(lane)},"
    return place, f"{x[row, lane]:.9g}", f"{should[row, lane]:+d}"


def _compare_io(
    images: Sequence[Image], program: int, event: Event, step: Step | None, number: int
) -> None:
    if step is None:
        return
    pairs = (
        ("the input taken", event.consumed, step.consumed),
        ("the byte of output", event.emitted, step.emitted),
        ("the text of the devices", event.written, step.written),
    )
    for what, found, wanted in pairs:
        if found != wanted:
            raise _mismatch(images, program, number, step.pc, what, str(found), str(wanted))


def _compare_host(
    images: Sequence[Image],
    program: int,
    host: ProgramHost,
    should: Expected,
    event: Event,
    number: int,
) -> None:
    """A host and the reference's own system must agree on the exit status and the emulation."""
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
