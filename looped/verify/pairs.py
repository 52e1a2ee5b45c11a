"""Pairs: programs on an engine, each beside its reference, compared after every loop.

After a loop only those columns are compared that may differ from before: the change set of the
engine, which has the columns that the host has written, and the columns that the reference has
changed. Whole states are compared at the beginning, in a rhythm, and at the end.

An instruction of several loops changes memory and registers at most by its writes, in their order.
A word of the CPU, which is neither the program counter nor that of a port, holds before the last
loop what it held before the instruction, or what it holds after it. Nothing else may change but its
scratch lanes (`Plan.scratch`), those of the numbers that it prints, and the register that numbers
the workers: they need only be ±1. The text that it prints is compared after the last one.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from looped import registry
from looped.artefact.embedding import read_word
from looped.artefact.plan import Plan
from looped.artefact.program import check_program
from looped.engines.engine import Engine
from looped.environment import Environment
from looped.image import Image
from looped.run.computer import Computer, Event
from looped.trace import Step
from looped.verify.difference import Difference, Mismatch, first_difference
from looped.verify.expected import Expected, signs
from looped.verify.folders import Copies

__all__ = ["Pairs", "Rhythm", "Where", "early_words", "free_lanes"]

Where = tuple[str, str, str]
"""A place, what is found there, and what should be there."""

_BLOCK = 4096
"""Columns of a whole state that are compared together: a few MB."""


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Whole states are compared after every `every` instructions from the first `start` on."""

    start: int
    every: int

    def following(self, equal: int) -> int:
        """After which instruction a whole state is due, if it was equal after `equal` of them."""
        return max(self.start, equal) + self.every


class Pairs:
    """Programs on an engine, each with its reference.

    `counts` are the instructions that each has done, `loops` those that its unfinished instruction
    has taken. After `equal` instructions of each its whole state was the right one.
    """

    def __init__(
        self,
        plan: Plan,
        engine: Engine,
        images: Sequence[Image],
        inputs: Sequence[bytes],
        environment: Environment,
        rhythm: Rhythm,
    ) -> None:
        pairs = list(zip(images, inputs, strict=True))
        for image in images:
            check_program(image, plan)
        self.plan, self.engine, self.images, self.rhythm = plan, engine, images, rhythm
        self.folders = [Copies(environment) for _ in images]
        triples = [(*pair, own) for pair, own in zip(pairs, self.folders, strict=True)]
        self.hosts = [registry.host_for(image, data, own.first) for image, data, own in triples]
        words, entries = [image.words for image in images], [image.entry for image in images]
        self.computer = Computer(plan, engine, words, inputs, entries, self.hosts)
        self.expected = [
            Expected(image, plan, data, environment=own.second) for image, data, own in triples
        ]
        self.free = np.array(free_lanes(plan), np.intp)
        self.early = early_words(plan, self.expected[0].cpu)
        self.counts, self.loops = [0] * len(images), [0] * len(images)
        self.equal, self._pcs = [0] * len(images), [image.entry for image in images]
        machine = registry.machine(plan.machine)
        self._most_loops = machine.most_loops(plan.width, **plan.parameters)
        self._value = np.array(plan.words["value"], np.intp)
        self._cpus = np.arange(plan.cpus.start, plan.cpus.stop)
        for program in range(len(images)):
            self.engine.changes(program)
            self._compare_whole(program, 0)

    def running(self) -> list[bool]:
        """Which programs have not halted."""
        return [not e.halted for e in self.expected]

    def have_done(self, steps: int) -> bool:
        """Whether some programs run, and each of those has done `steps` steps."""
        left = [n for n, runs in zip(self.counts, self.running(), strict=True) if runs]
        return bool(left) and min(left) >= steps

    def advance(self, most: int) -> None:
        """One loop of the engine, and one step of each reference whose instruction is finished."""
        running = self.running()
        for program, event in enumerate(self.computer.step()):
            self._ended(program, event)
            self.counts[program] += running[program] and not event.busy

    def finish(self) -> None:
        """Compare the whole state of every program, also in the middle of an instruction."""
        for program, number in enumerate(self.counts):
            if self.loops[program]:
                columns = np.arange(self.plan.columns)
                self._compare_within(program, columns, self.engine.rows(program, columns))
            else:
                self._compare_whole(program, number)

    def differ(self, program: int, number: int, place: str, found: str, wanted: str) -> Mismatch:
        """The error for a difference after instruction `number` of a program."""
        pc = self._pcs[program]
        location = self.images[program].location(pc)
        source = str(location) if location else None
        return Mismatch(Difference(program, number, pc, source, place, found, wanted))

    def _ended(self, program: int, event: Event) -> None:
        """Compare a program after a loop, and after what its host has done since."""
        if event.busy:
            endless = self._begin(program)
            if endless is not None:
                raise self.differ(program, self.counts[program] + 1, *endless)
            columns = self.engine.changes(program)
            self._compare_within(program, columns, self.engine.rows(program, columns))
        else:
            self._finish(program, event)
            self.loops[program] = 0

    def _begin(self, program: int) -> Where | None:
        """Note a loop that is not the last one of its instruction, if there may be such a loop."""
        if not self.loops[program]:
            self._pcs[program] = self.expected[program].reference.pc
        self.loops[program] += 1
        return ("`busy`", "1", "0 by then") if self.loops[program] > self._most_loops else None

    def _compare_within(
        self, program: int, columns: npt.NDArray[np.intp], rows: npt.NDArray[Any]
    ) -> None:
        """Compare columns that have changed within an instruction; `rows` are their lanes."""
        expected = self.expected[program]
        expected.follow(columns, read_word(rows[:, self._value]).tolist())
        wanted, free, after = expected.x[columns], self.free, expected.begin()
        for row in np.flatnonzero(np.isin(columns, self._cpus)).tolist():
            wanted[row, free] = np.where(rows[row, free] > 0, 1, -1)
            for name, lanes in self.early.items():
                word = signs(after[name], len(lanes))
                if np.array_equal(rows[row, lanes], word):
                    wanted[row, lanes] = word
        expected.changed.clear()
        where = first_difference(self.plan, rows, wanted, columns)
        if where is not None:
            raise self.differ(program, self.counts[program] + 1, *where)

    def _finish(self, program: int, event: Event) -> None:
        """Compare a program that has finished an instruction, or has halted."""
        number, expected = self.counts[program] + 1, self.expected[program]
        if not self.loops[program]:
            self._pcs[program] = expected.reference.pc
        done = expected.step()
        self._compare(program, number)
        port = None if done is None else self._wrong_port(event, done)
        if port is not None:
            raise self.differ(program, number, *port)
        host = self.hosts[program]
        if host is not None:
            pairs = (
                ("the exit status", host.exit_code, expected.exit_code),
                ("the count of emulated instructions", host.emulated, expected.emulated),
            )
            for pair in pairs:
                if pair[1] != pair[2]:
                    raise self.differ(program, number, *_told(*pair))
        different = self.folders[program].difference() if expected.halted else None
        if different is not None:
            raise self.differ(program, number, *different)

    def _compare(self, program: int, number: int) -> None:
        """Compare what has changed, or the whole state if that is due."""
        expected = self.expected[program]
        columns = self.engine.changes(program)
        if number >= self.rhythm.following(self.equal[program]):
            self._compare_whole(program, number)
            return
        if expected.changed:
            own = np.fromiter(expected.changed, np.intp, len(expected.changed))
            columns = np.union1d(columns, own)
        expected.changed.clear()
        self._compare_columns(program, number, columns)

    def _compare_whole(self, program: int, number: int) -> None:
        """Compare all lanes of all columns of a program."""
        self.expected[program].changed.clear()
        for first in range(0, self.plan.columns, _BLOCK):
            columns = np.arange(first, min(first + _BLOCK, self.plan.columns))
            self._compare_columns(program, number, columns)
        self.equal[program] = number

    def _compare_columns(self, program: int, number: int, columns: npt.NDArray[np.intp]) -> None:
        rows, wanted = self.engine.rows(program, columns), self.expected[program].x[columns]
        where = first_difference(self.plan, rows, wanted, columns)
        if where is not None:
            raise self.differ(program, number, *where)

    def _wrong_port(self, event: Event, step: Step) -> Where | None:
        """The first difference in what a program has put in and out."""
        pairs = (
            ("the input taken", event.consumed, step.consumed),
            ("the byte of output", event.emitted, step.emitted),
            ("the text of the devices", event.written, step.written),
        )
        return next((_told(*pair) for pair in pairs if pair[1] != pair[2]), None)


def _told(place: str, found: object, wanted: object) -> Where:
    return place, str(found), str(wanted)


def free_lanes(plan: Plan) -> list[int]:
    """The lanes of the CPU columns that may change before the last loop of an instruction."""
    port = plan.ports.print
    words = [] if port is None else [port.content, port.when, port.ends_line]
    if plan.workers is not None:
        words.append(plan.workers.number)
    return [*plan.scratch, *itertools.chain.from_iterable(plan.words[name] for name in words)]


def early_words(plan: Plan, cpu: Iterable[str]) -> dict[str, npt.NDArray[np.intp]]:
    """The words of the CPU that may get their next values before the last loop, and their lanes."""
    fixed = {"pc", *plan.ports.words()}
    lanes = {name: plan.words[name] for name in cpu if name not in fixed}
    return {name: np.array(own, np.intp) for name, own in lanes.items() if plan.halted not in own}
