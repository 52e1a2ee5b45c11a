"""`python -m tests.engines.lifted.specialised.campaign rv32i`: random programs, specialised as soon
as anything recurs, against the reference.

Most programs are loops that change themselves, with loads, stores and traps in the middle; every
fourth is one of `looped verify --fuzz`. Each runs in stretches of random lengths, and some
continue from a checkpoint. After each stretch every lane of the residual stream, the output and the
number of steps must be those of the reference.
"""

from __future__ import annotations

import argparse
import dataclasses
import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np

from looped import api
from looped.artefact.plan import CompiledMachine
from looped.engines.lifted import LiftedEngine
from looped.engines.lifted.specialised import Effort
from looped.engines.lifted.specialised.machine_code import Units
from looped.profiles.case import Case
from looped.run.interrupts import End
from looped.run.session import Session
from looped.run.streams import Output
from looped.verify.expected import Expected
from looped.verify.fuzz.campaign import make_case
from tests import seeds
from tests.engines.lifted.specialised.fleq_loop import fleq_loop
from tests.engines.lifted.specialised.loops import riscv_loop, subleq_loop
from tests.engines.lifted.specialised.machine_mode_loop import machine_mode_loop

__all__ = ["campaign"]

FORCED = Effort(patience=300, share=0, beside=False)
"""Units are made of what recurs once, and looks follow after 300 plain passes: with fewer, LLVM
takes nearly all of the time."""

_LONGEST, _LONG, _OFTEN = 200_000, 2_000_000, 4
"""Instructions of a program; one of four may have the larger number. A program's units take seconds
to compile, 200,000 instructions of the reference about one."""

_STRETCHES = (1, 2, 7, 100, 1000, 5000, 50_000)
"""Instructions of a stretch. One of a long program may also have a tenth of it."""

_TRIES, _CHECKPOINTS = 0.15, 2
"""How often a stretch ends with a checkpoint, from which another session continues, and how many
a program may have: each has all units made again."""


class Campaign:
    """Programs of a seed on two engines for a machine. `done` counts programs, steps, stretches
    and checkpoints."""

    def __init__(self, machine: CompiledMachine, seed: int, effort: Effort = FORCED) -> None:
        self.machine = machine
        self.seed = seed
        self.done: Counter[str] = Counter()
        engine = LiftedEngine(machine, effort=effort)
        self.engines = [engine, engine.twin()]

    def run(self, number: int) -> None:
        """Run one program. Raises AssertionError if the reference does anything else."""
        plan = self.machine.plan
        rng = seeds.rng(f"{plan.machine} {plan.width} {self.seed} {number}")
        case = make_case(plan, self.seed, number)
        if number % 4:
            data = bytes(rng.choices([0, 1, 10, 65, 255], k=rng.randrange(40)))
            case = Case(dataclasses.replace(case.image, words=self._loop(rng)), data)
        expected = Expected(case.image, plan, case.data)
        most = _LONG if number % _OFTEN == 1 else _LONGEST
        session, steps, ends = self._session(case, 0), 0, rng.randint(100, most)
        self.done["programs"] += 1
        checkpoints = _CHECKPOINTS
        while steps < ends and not expected.halted:
            limit = steps + rng.choice([*_STRETCHES, most // 10])
            still = session.run(limit) is End.ENDLESS
            while steps < (session.steps if still else limit) and not expected.halted:
                expected.step()
                steps += 1
            self._compare(session, expected, steps, number)
            if still:  # the next instruction changes nothing, so neither do all others
                expected.step()
                self._compare(session, expected, steps, number)
                break
            if checkpoints and rng.random() < _TRIES:
                session = self._continued(session, case)
                checkpoints -= 1
        self.done["steps"] += steps

    def _loop(self, rng: random.Random) -> tuple[int, ...]:
        plan = self.machine.plan
        if plan.machine == "subleq":
            return tuple(subleq_loop(rng, plan.width, plan.memory))
        if plan.machine == "fleq":
            return tuple(fleq_loop(rng, plan.width, plan.memory, **plan.parameters))
        if plan.machine == "rv32ima" and rng.random() < 0.8:
            return tuple(machine_mode_loop(rng, plan.memory))
        return tuple(riscv_loop(rng, plan.memory, plan.machine, traps=True))

    def _session(self, case: Case, engine: int) -> Session:
        return Session(self.machine, case.image, self.engines[engine], case.data, Output())

    def _compare(self, session: Session, expected: Expected, steps: int, number: int) -> None:
        where = f"program {number} of seed {self.seed}, {steps} steps"
        assert session.steps == steps, f"{where}: {session.steps} steps"
        state = session.computer.engine.state()[0]
        assert np.array_equal(state, expected.x), f"{where}: {np.argwhere(state != expected.x)[0]}"
        assert session.output.kept == bytes(expected.output), f"{where}: output"
        self.done["stretches"] += 1

    def _continued(self, session: Session, case: Case) -> Session:
        """A session on the other engine that continues where this one is."""
        other = self._session(case, int(session.computer.engine is self.engines[0]))
        other.computer.restore(session.computer.snapshot())
        other.steps = session.steps
        other.output.put(session.output.kept)
        self.done["checkpoints"] += 1
        return other


def campaign(
    machine: CompiledMachine,
    seed: int,
    steps: int,
    note: Callable[[str], None],
    effort: Effort = FORCED,
) -> None:
    """Programs 0, 1, … of a seed, until all have done so many steps.

    "Steps with units" are those of a stream that has units, "steps of units" those of them that
    took no plain pass, "plain passes" those beside units. An instruction of FLEQ is three passes
    and more, one or two of which are plain: so no step of FLEQ may be one of units.
    """
    all_of = Campaign(machine, seed, effort)
    for what in ("steps with units", "steps of units", "plain passes"):
        all_of.done[what] = 0
    run = Units.run

    def counted(units: Units, *given: Any) -> tuple[int, bool, int]:
        found, abandoned, plain = run(units, *given)
        all_of.done["steps with units"] += found
        all_of.done["steps of units"] += max(0, found - plain)
        all_of.done["plain passes"] += plain
        return found, abandoned, plain

    Units.run = counted  # type: ignore[method-assign,assignment]
    number, began = 0, time.monotonic()
    while all_of.done["steps"] < steps:
        all_of.run(number)
        number += 1
        if time.monotonic() - began > 60:
            note(str(dict(all_of.done)))
            began = time.monotonic()
    plan = machine.plan
    note(f"{plan.machine}, {plan.width} bits, seed {seed}: {dict(all_of.done)}, equal")


def main() -> None:
    """Run a campaign."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("machine")
    parser.add_argument("--width", type=int)
    parser.add_argument("--memory", type=int, default=64)
    parser.add_argument("--side", type=int, help="of a matrix of FLEQ")
    parser.add_argument("--steps", type=int, default=10_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--share", type=float, default=0, help="of an effort: 0 compiles at once")
    given = parser.parse_args()
    parameters = {} if given.side is None else {"side": given.side}
    machine = api.compile_machine(given.machine, given.width, given.memory, parameters=parameters)
    effort = dataclasses.replace(FORCED, share=given.share)

    def note(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    campaign(machine, given.seed, given.steps, note, effort)


if __name__ == "__main__":
    main()
