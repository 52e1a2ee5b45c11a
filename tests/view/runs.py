"""Runs of small programs on pages, made once a session, and what the reference says of them."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from looped import api
from looped.artefact.embedding import read_word
from looped.artefact.plan import CompiledMachine
from looped.image import Image
from looped.verify.expected import Expected
from looped.view.collect import Run, collect
from tests.programs.headers import FOLDER

__all__ = ["Seen", "State", "followed", "seen"]


@dataclass(frozen=True)
class Seen:
    """A run on a page, its program and its machine."""

    machine: CompiledMachine
    image: Image
    data: bytes
    run: Run


@dataclass(frozen=True)
class State:
    """The words of memory and registers, and those that the CPU keeps, between two instructions."""

    words: list[int]
    cpu: dict[str, int]


@functools.cache
def seen(
    name: str,
    steps: int = 5_000,
    data: bytes = b"",
    workers: int = 1,
    engine: str = "dense",
    side: int | None = None,
) -> Seen:
    """The first steps of a program in `programs`, by its path there; `side` is for FLEQ."""
    parameters = {} if side is None else {"side": side}
    image = api.assemble(FOLDER / Path(name), parameters=parameters)
    machine = api.compile(image).with_workers(workers)
    run = collect(machine, image, api.choose_engine(machine, engine), data, steps)
    return Seen(machine, image, data, run)


def followed(seen: Seen) -> list[State]:
    """The state before each instruction, and at the end, by the reference alone."""
    expected = Expected(seen.image, seen.machine.plan, seen.data)
    states = [_state(expected)]
    for _ in seen.run.instructions:
        expected.step()
        states.append(_state(expected))
    return states


def _state(expected: Expected) -> State:
    plan = expected.plan
    words = read_word(expected.x[: plan.cpu, plan.words["value"]]).tolist()
    row = expected.x[plan.cpu]
    cpu = {name: int(read_word(row[np.array(plan.words[name])])) for name in plan.registers}
    return State(words, cpu)
