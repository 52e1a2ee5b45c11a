"""verify: hold the transformer against the reference, on given programs or on random ones."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import click

from looped import api
from looped.cli.fuzz import fuzz
from looped.cli.options import (
    check_engine,
    engine_options,
    json_option,
    machine_options,
    open_program,
)
from looped.cli.progress import progress, reporter
from looped.errors import FileError
from looped.files import read_bytes
from looped.verify.cluster import map_on_cluster
from looped.verify.lockstep import Mismatch, Verdict
from looped.verify.parallel import parallel_map

__all__ = ["verify"]

_PATH = click.Path(path_type=Path, readable=False)  # what cannot be read is told by who reads
_INPUT_LIMIT = 64 << 20


_HELP = """Run every PROGRAM on the transformer and on the reference, and compare after every loop.

All of the state is compared: memory, program counter, flags, input and output, and every other
lane of the residual stream, each of which must be exactly -1 or +1. The first difference is
reported by name, and the exit code is 1.

With --fuzz it is random programs: of branches, self-modification, operands that are one and the
same, the edges of memory and what wraps around them; for rv32i of all encodings, valid and not.
Program number i of a seed is always the same one. A program that goes wrong is made as small as
it can be and left as a source file.

\b
Examples:
  looped verify programs/subleq/sieve.sasm
  looped verify programs/subleq/*.sasm --jobs 2
  looped verify programs/subleq/sieve.sasm --engine lifted
  looped verify sieve.safetensors --dtype float64
  echo 'hello' | looped verify programs/subleq/echo.sasm --input -
  looped verify --fuzz 200 --seed 1 --machine subleq --width 8 --memory 32
  looped verify --fuzz 1000 --machine rv32i --engine event --jobs 2
"""


@click.command(help=_HELP)
@click.argument("programs", type=_PATH, nargs=-1, metavar="PROGRAM...")
@machine_options
@engine_options("dense")
@click.option("--steps", type=click.IntRange(min=0), help="Compare so many instructions at most.")
@click.option(
    "--input", "data", type=_PATH, help="A file that is the programs' input; - for stdin."
)
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    default=1,
    metavar="N",
    help="Verify N programs at a time, each in a process of its own.",
)
@click.option(
    "--cluster",
    metavar="ADDRESS",
    help="Hand the work to a Dask cluster whose scheduler is there, as tcp://host:8786.",
)
@click.option(
    "--fuzz",
    "count",
    type=click.IntRange(min=1),
    metavar="N",
    help="Verify N random programs of a machine instead.",
)
@click.option("--seed", type=int, metavar="S", help="Which random programs.  [default: 0]")
@json_option
def verify(
    programs: tuple[Path, ...],
    machine: str | None,
    width: int | None,
    memory: int | None,
    engine: str,
    dtype: str,
    uncertified: bool,
    device: str,
    verbose: bool,
    steps: int | None,
    data: Path | None,
    jobs: int,
    cluster: str | None,
    count: int | None,
    seed: int | None,
    as_json: bool,
) -> None:
    """Run every PROGRAM on the transformer and on the reference, and compare after every loop."""
    check_engine(engine, uncertified)
    share = _sharing(jobs, cluster)
    if count is not None:
        if programs or data is not None:
            raise click.UsageError("--fuzz makes programs and their input by itself.")
        target = (machine, width, memory), (engine, dtype, device), uncertified
        fuzz(*target, count, seed or 0, steps, share, as_json)
        return
    if seed is not None:
        raise click.UsageError("--seed is for --fuzz.")
    if not programs:
        raise click.UsageError("Missing argument 'PROGRAM...', or --fuzz N.")
    content = _read_input(data)
    alone = jobs == 1 and cluster is None
    tasks = [
        _Task(
            path,
            (machine, width, memory),
            (engine, dtype, device),
            uncertified,
            verbose,
            alone,
            steps,
            content,
        )
        for path in programs
    ]
    verdicts = []
    try:
        for task, verdict in zip(tasks, share(_verify, tasks), strict=True):
            verdicts.append({"file": str(task.path), "equal": True, **_verdict(verdict)})
            if not as_json:
                click.echo("\n".join(_report(task.path, verdict)))
    except Mismatch as mismatch:
        if as_json:
            path = programs[len(verdicts)]
            click.echo(json.dumps({"file": str(path), **_mismatch(mismatch)}))
        raise
    if as_json:
        click.echo(json.dumps(verdicts))


Item = TypeVar("Item")
Result = TypeVar("Result")


def _sharing(
    jobs: int, cluster: str | None
) -> Callable[[Callable[[Item], Result], Iterable[Item]], Iterator[Result]]:
    """How work is shared out: over processes of this machine, or over a cluster."""
    if cluster is None:
        return lambda function, items: parallel_map(function, items, jobs)
    if jobs != 1:
        raise click.UsageError("--jobs is for this machine, --cluster for others.")
    return lambda function, items: map_on_cluster(function, items, cluster)


@dataclass(frozen=True, slots=True)
class _Task:
    """One program to verify, as it is handed to another process."""

    path: Path
    machine: tuple[str | None, int | None, int | None]
    engine: tuple[str, str, str]
    uncertified: bool
    verbose: bool
    watched: bool
    steps: int | None
    data: bytes


def _verify(task: _Task) -> Verdict:
    """Run a program beside the reference. Raises Mismatch."""
    compiled, image = open_program(task.path, *task.machine, task.engine[1])
    with progress(f"verify {task.path}", shown=task.watched) as line:
        report = reporter(task.verbose, line)
        engine = api.choose_engine(compiled, *task.engine, report, task.uncertified)
        return api.verify(compiled, image, task.data, task.steps, engine, line)


def _read_input(data: Path | None) -> bytes:
    if data is None:
        return b""
    if str(data) == "-":
        try:
            content = b"" if sys.stdin is None else sys.stdin.buffer.read(_INPUT_LIMIT + 1)
        except OSError as error:
            raise FileError(f"cannot read stdin: {error.strerror or error}") from None
        if len(content) > _INPUT_LIMIT:
            raise FileError(f"the input is larger than {_INPUT_LIMIT >> 20} MB")
        return content
    return read_bytes(data, _INPUT_LIMIT)


def _verdict(verdict: Verdict) -> dict[str, object]:
    return {
        "steps": verdict.steps,
        "lanes": verdict.lanes,
        "halted": verdict.halted,
        "output": verdict.outputs[0].decode("latin-1"),
    }


def _mismatch(mismatch: Mismatch) -> dict[str, object]:
    difference = mismatch.difference
    return {
        "equal": False,
        "step": difference.step,
        "pc": difference.pc,
        "location": difference.location,
        "place": difference.place,
        "found": difference.found,
        "expected": difference.expected,
    }


def _report(path: Path, verdict: Verdict) -> Iterator[str]:
    if verdict.outputs[0]:
        shown = verdict.outputs[0].decode("latin-1").encode("unicode_escape").decode("ascii")
        yield f"{path}: wrote {len(verdict.outputs[0])} bytes: {shown[:200]}"
    end = "until it halted" if verdict.halted else "without reaching its end"
    yield (
        f"{path}: equal. {verdict.steps:,} steps {end}; after each, all {verdict.lanes:,} lanes "
        "were exactly those of the reference."
    )
