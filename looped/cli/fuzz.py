"""verify --fuzz: random programs of a machine, in lockstep with the reference."""

from __future__ import annotations

import functools
import json
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from looped import api
from looped.cli.progress import Progress, progress
from looped.compiler.compiled import CompiledMachine, Plan
from looped.engines.engine import Engine
from looped.errors import MismatchError
from looped.files import write_atomically
from looped.verify.cluster import each_on
from looped.verify.farm import each, one_thread
from looped.verify.fuzz.campaign import STEPS, Failure, Outcome, merge, parts, shrunk, try_part
from looped.verify.fuzz.fuzzer import FUZZERS

__all__ = ["FUZZ_MEMORY", "Target", "fuzz"]

FUZZ_MEMORY = 64
"""Words of memory, if not told otherwise: so few that programs meet themselves and the edges."""

_PAIRS = 3
"""Classes side by side in the table of what was covered."""


@dataclass(frozen=True, slots=True)
class Target:
    """A machine and an engine by name: what any process can make anew."""

    machine: str = api.DEFAULT_MACHINE
    width: int | None = None
    memory: int = FUZZ_MEMORY
    engine: str = "dense"
    dtype: str = "float32"
    device: str = "cpu"
    uncertified: bool = False


@dataclass(frozen=True, slots=True)
class _Part:
    """Some programs of a campaign, as they are handed to another process."""

    target: Target
    seed: int
    numbers: range
    steps: int


def fuzz(
    target: Target,
    count: int,
    seed: int,
    steps: int | None,
    jobs: int,
    cluster: str | None,
    json_asked: bool,
) -> None:
    """Try `count` random programs; say what they covered. Raises MismatchError if one fails.

    The one that fails is made small, and written to a file in the current directory.
    """
    compiled, _ = _open(target)  # what is wrong with it is said before anything runs
    steps = STEPS if steps is None else steps
    tasks = [_Part(target, seed, numbers, steps) for numbers in parts(count)]
    with progress(f"fuzz {target.machine}") as line:
        outcome = merge(_outcomes(tasks, jobs, cluster), line)
        small = None if outcome.failure is None else _shrink(target, outcome.failure, line)
    report = _report(compiled.plan, seed, outcome)
    if not json_asked:
        click.echo(_summary(compiled.plan, seed, outcome))
        Console(soft_wrap=True, highlight=False).print(_table(compiled.plan, outcome))
    if small is None:
        if json_asked:
            click.echo(json.dumps(report))
        return
    path, command = _write(compiled.plan, target, seed, small)
    if json_asked:
        failure = {"program": small.number, "file": str(path), "verify": command}
        click.echo(json.dumps({**report, **failure, **_place(small)}))
    raise MismatchError(
        f"program {small.number} of seed {seed}, made small in {path}: {small.difference}",
        hint=command,
    )


def _outcomes(tasks: list[_Part], jobs: int, cluster: str | None) -> Iterable[Outcome]:
    return each(_try, tasks, jobs) if cluster is None else each_on(cluster, _try, tasks)


@functools.lru_cache(maxsize=1)
def _open(target: Target) -> tuple[CompiledMachine, Engine]:
    """A machine is compiled once in each process, and its engine made once."""
    one_thread()  # the matrices are small
    compiled = api.compile_machine(target.machine, target.width, target.memory, target.dtype)
    engine = api.choose_engine(
        compiled, target.engine, target.dtype, target.device, uncertified=target.uncertified
    )
    return compiled, engine


def _try(part: _Part) -> Outcome:
    return try_part(*_open(part.target), part.seed, part.numbers, part.steps)


def _shrink(target: Target, failure: Failure, line: Progress) -> Failure:
    def tried(count: int) -> None:
        line.note(f"program {failure.number} fails; making it smaller, try {count}")

    return shrunk(*_open(target), failure, tried)


def _write(plan: Plan, target: Target, seed: int, failure: Failure) -> tuple[Path, str]:
    """Write the program, and its input beside it if it needs any; the file and its command."""
    fuzzer = FUZZERS[plan.machine]
    name = f"fuzz-{plan.machine}-{plan.width}-{seed}-{failure.number}"
    path, data = Path(name + fuzzer.suffix), Path(name + ".in")
    if failure.case.data:
        write_atomically(data, failure.case.data)
    command = shlex.join(_command(path, plan, target, data if failure.case.data else None))
    header = (
        f"Random program {failure.number} of seed {seed}, made small: the transformer and the",
        "reference differ,",
        f"{failure.difference}.",
        "",
        f"  {command}",
    )
    steps = failure.difference.step
    text = fuzzer.source(failure.case, header, plan.memory, steps)
    write_atomically(path, text.encode())
    return path, command


def _command(path: Path, plan: Plan, target: Target, data: Path | None) -> Iterator[str]:
    yield from ("looped", "verify", str(path), "--memory", str(plan.memory))
    yield from ("--engine", target.engine, "--dtype", target.dtype)
    if target.device != "cpu":
        yield from ("--device", target.device)
    if target.uncertified:
        yield "--uncertified"
    if data is not None:
        yield from ("--input", str(data))


def _summary(plan: Plan, seed: int, outcome: Outcome) -> str:
    covered = outcome.coverage
    return (
        f"{plan.machine}, {plan.width} bits, {plan.memory} words, seed {seed}: "
        f"{covered.programs:,} programs equal, {covered.halted:,} of them to their end; after each "
        f"of {covered.steps:,} steps, all {plan.columns * plan.d_model:,} lanes were exactly those "
        "of the reference."
    )


def _counts(plan: Plan, outcome: Outcome) -> dict[str, int]:
    names = FUZZERS[plan.machine].classes(plan.width, plan.memory)
    return {name: outcome.coverage.classes[name] for name in names}


def _table(plan: Plan, outcome: Outcome) -> Table:
    """What the instructions did, and how often, in columns to be read downwards."""
    counts = list(_counts(plan, outcome).items())
    rows = -(-len(counts) // _PAIRS)
    table = Table(*("instructions", "") * _PAIRS, box=None)
    for column in table.columns[1::2]:
        column.justify = "right"
    for row in range(rows):
        cells = []
        for name, number in counts[row::rows]:
            cells += [name, f"{number:,}" if number else "[red]0[/]"]
        table.add_row(*cells)
    return table


def _report(plan: Plan, seed: int, outcome: Outcome) -> dict[str, object]:
    covered = outcome.coverage
    return {
        "machine": plan.machine,
        "width": plan.width,
        "memory": plan.memory,
        "seed": seed,
        "equal": outcome.failure is None,
        "programs": covered.programs,
        "halted": covered.halted,
        "steps": covered.steps,
        "coverage": _counts(plan, outcome),
    }


def _place(failure: Failure) -> dict[str, object]:
    difference = asdict(failure.difference)
    return {key: difference[key] for key in ("step", "pc", "place", "found", "expected")}
