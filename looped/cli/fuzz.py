"""verify --fuzz: verify random programs, report their coverage, shrink one that fails."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from looped import api, registry
from looped.artefact.plan import CompiledMachine, Plan
from looped.cli.options import Wanted
from looped.cli.progress import progress
from looped.engines.engine import Engine
from looped.files import write_atomically
from looped.image.formats import dump_image
from looped.profiles.case import Coverage
from looped.verify.fuzz.campaign import (
    STEPS,
    Failure,
    PartResult,
    failure_of,
    merge,
    parts,
    try_part,
)
from looped.verify.fuzz.shrink import shrink
from looped.verify.fuzz.source import source
from looped.verify.lockstep import Mismatch

__all__ = ["fuzz"]

MEMORY = 64
"""The default words of memory: few, so that programs often reach the edges."""

_COLUMNS = 2


@dataclass(frozen=True, slots=True)
class _Target:
    """A machine and an engine, by their names."""

    machine: str
    wanted: Wanted
    engine: tuple[str, str, str]
    uncertified: bool


@dataclass(frozen=True, slots=True)
class _Part:
    """Some programs of a seed, as another process gets them."""

    target: _Target
    seed: int
    numbers: range
    steps: int


Share = Callable[[Callable[[_Part], PartResult], Iterable[_Part]], Iterator[PartResult]]


def fuzz(
    wanted: Wanted,
    engine: tuple[str, str, str],
    uncertified: bool,
    count: int,
    seed: int,
    steps: int | None,
    share: Share,
    as_json: bool,
) -> None:
    """Verify `count` random programs with `share`; write one that fails to a file.

    `engine` is its name, dtype and device. Raises Mismatch.
    """
    target = _Target(wanted.machine or api.DEFAULT_MACHINE, wanted, engine, uncertified)
    compiled, _ = _opened(target)
    steps = STEPS if steps is None else steps
    with progress("verify --fuzz") as line:
        shared = share(_try, [_Part(target, seed, numbers, steps) for numbers in parts(count)])
        outcome = merge(shared, line)
    _report(compiled.plan, seed, outcome, as_json)
    if outcome.failure is not None:
        raise _shrunk(target, outcome.failure, seed, steps)


@functools.cache
def _opened(target: _Target) -> tuple[CompiledMachine, Engine]:
    """A machine and an engine for it, made once per process."""
    registry.fuzz_profile(target.machine)
    wanted, parameters = target.wanted, dict(target.wanted.parameters)
    memory, dtype = MEMORY if wanted.memory is None else wanted.memory, target.engine[1]
    compiled = wanted.counted(
        api.compile_machine(target.machine, wanted.width, memory, dtype, parameters)
    )
    chosen = api.choose_engine(compiled, *target.engine, uncertified=target.uncertified)
    return compiled, chosen


def _try(part: _Part) -> PartResult:
    return try_part(*_opened(part.target), part.seed, part.numbers, part.steps)


def _report(plan: Plan, seed: int, outcome: PartResult, as_json: bool) -> None:
    """Print the coverage: instructions by class, and the classes that never occurred."""
    coverage = outcome.coverage
    known = registry.fuzz_profile(plan.machine).classes(plan.width, plan.memory, **plan.parameters)
    never = [name for name in known if name not in coverage.classes]
    if as_json:
        click.echo(
            json.dumps(
                {
                    "machine": plan.machine,
                    "width": plan.width,
                    "memory": plan.memory,
                    "seed": seed,
                    "equal": outcome.failure is None,
                    "programs": coverage.programs,
                    "halted": coverage.halted,
                    "steps": coverage.steps,
                    "classes": dict(sorted(coverage.classes.items())),
                    "never": never,
                }
            )
        )
        return
    Console(soft_wrap=True, highlight=False).print(_table(coverage))
    if never:
        click.echo(f"never: {', '.join(never)}")
    lanes = plan.columns * plan.d_model
    click.echo(
        f"{plan.machine}, {plan.width} bits, {plan.memory} words, seed {seed}: "
        f"{coverage.programs:,} programs equal, {coverage.halted:,} of them halted. "
        f"{coverage.steps:,} steps; after each, all {lanes:,} lanes were exactly those of the "
        "reference."
    )


def _table(coverage: Coverage) -> Table:
    """Classes and their counts, side by side."""
    table = Table(box=None, show_header=False)
    rows = sorted(coverage.classes.items())
    height = -(-len(rows) // _COLUMNS)
    for _ in range(_COLUMNS):
        table.add_column(no_wrap=True)
        table.add_column(justify="right")
    for line in range(height):
        cells = [cell for n, count in rows[line::height] for cell in (n, f"{count:,}")]
        table.add_row(*cells)
    return table


def _shrunk(target: _Target, failure: Failure, seed: int, steps: int) -> Mismatch:
    """Shrink a failing program and write it; returns the error, which names the file."""
    machine, engine = _opened(target)
    plan, case, limit = machine.plan, failure.case, failure.difference.step or steps
    with progress("making the program smaller") as line:
        line.note("making the program smaller")
        small = shrink(case, lambda c: failure_of(machine, engine, c, limit) is not None)
    difference = failure_of(machine, engine, small, limit) or failure.difference
    suffix = registry.machine(plan.machine).language.suffix
    heading = [f"Program {failure.number} of seed {seed}, shrunk. {difference}"]
    path = Path(f"fuzz-{plan.machine}-{plan.width}-{seed}-{failure.number}{suffix}")
    settings = [f"--set {name}={value}" for name, value in plan.parameters.items()]
    settings += [] if plan.workers is None else [f"--workers {plan.workers.count}"]
    if source(small, heading) is None:
        path = path.with_suffix(".dec")
        settings = [f"--machine {plan.machine} --width {plan.width}", *settings]
    command = " ".join(
        [
            f"looped verify {path}",
            *settings,
            f"--memory {plan.memory} --steps {difference.step}",
            f"--engine {target.engine[0]} --dtype {target.engine[1]}",
        ]
    )
    if small.data:
        data = path.with_suffix(".input")
        write_atomically(data, small.data)
        command += f" --input {data}"
    text = source(small, [*heading, command])
    write_atomically(path, dump_image(small.image, "dec") if text is None else text.encode())
    hint = f"program {failure.number} of seed {seed}, shrunk, is in {path}: {command}"
    return Mismatch(difference, hint)
