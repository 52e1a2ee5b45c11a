"""verify: compare the transformer with the reference, on given programs or on random ones."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from looped import api
from looped.artefact.plan import CompiledMachine
from looped.cli.fuzz import fuzz
from looped.cli.options import (
    COMPILED,
    Wanted,
    check_engine,
    engine_options,
    environment_options,
    json_option,
    machine_options,
    open_program,
)
from looped.cli.progress import progress, reporter
from looped.environment import Environment
from looped.errors import FileError
from looped.files import read_bytes
from looped.image import Image
from looped.verify.cluster import map_on_cluster
from looped.verify.lockstep import Agreement, Mismatch
from looped.verify.parallel import parallel_map

__all__ = ["verify"]

_PATH = click.Path(path_type=Path, readable=False)  # opening it reports what is wrong
_INPUT_LIMIT = 64 << 20

_MOST_DENSE = 1 << 11
"""Words of memory: with more, a loop of RV32I takes the dense engine a second and more."""


_HELP = """Run every PROGRAM on the transformer and on the reference, and compare after every loop.

The command compares memory, program counter, flags, input and output, and every other lane of the
residual stream. Each lane must be exactly -1 or +1. After a loop it compares what has changed; it
compares whole states at the beginning, at the end, and every 4,096 instructions, less often with
more than 4,096 columns. The command reports the first difference by name and exits with 1. A
program that jumps to itself for ever is compared until then. A
program has the memory that `looped run` gives it; with --engine dense it has the fewest words that
hold it, for that engine computes with all of them.

With --engine lifted, the command first proves that the code equals the weights, if that takes about
a second: up to 500 instructions and 2,048 columns, as for SUBLEQ. For larger code a line says that
it is not proved; use `looped certify --lifted`.

--fuzz verifies random programs: branches, self-modification, equal operands, the edges of memory
and addresses that wrap around them; for rv32i all encodings, valid or not. Program number i of a
seed is always the same. The command shrinks a program that fails and saves it as a source file.

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


@dataclass(frozen=True, slots=True)
class _Options:
    """The options of the command, by the names of their parameters."""

    wanted: Wanted
    engine: str | None
    dtype: str
    uncertified: bool
    device: str
    verbose: bool
    steps: int | None
    data: Path | None
    jobs: int
    cluster: str | None
    count: int | None
    seed: int | None
    as_json: bool
    environment: Environment

    def check(self, programs: tuple[Path, ...]) -> None:
        """Raise UsageError for options that contradict each other."""
        check_engine(self.engine or "dense", self.uncertified)
        if self.cluster is not None and self.jobs != 1:
            raise click.UsageError("--jobs and --cluster exclude each other.")
        if self.count is not None:
            if programs or self.data is not None:
                raise click.UsageError("--fuzz makes its own programs and input.")
        elif self.seed is not None:
            raise click.UsageError("--seed needs --fuzz N.")
        elif not programs:
            raise click.UsageError("Missing argument 'PROGRAM...', or --fuzz N.")


@click.command(help=_HELP)
@click.argument("programs", type=_PATH, nargs=-1, metavar="PROGRAM...")
@machine_options
@engine_options(None, f"dense, or lifted for more than {_MOST_DENSE:,} words")
@click.option("--steps", type=click.IntRange(min=0), help="Compare at most this many instructions.")
@click.option(
    "--input", "data", type=_PATH, help="File with the input of every program; - for stdin."
)
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    default=1,
    metavar="N",
    help="Verify N programs at a time, each in its own process.",
)
@click.option(
    "--cluster",
    metavar="ADDRESS",
    help="Verify on the Dask cluster with the scheduler at this address: tcp://host:8786.",
)
@click.option(
    "--fuzz",
    "count",
    type=click.IntRange(min=1),
    metavar="N",
    help="Verify N random programs of --machine instead.",
)
@click.option("--seed", type=int, metavar="S", help="Seed of the random programs.  [default: 0]")
@environment_options
@json_option
def verify(programs: tuple[Path, ...], **options: Any) -> None:
    """Run every PROGRAM on the transformer and on the reference, and compare after every loop."""
    chosen = _Options(**options)
    chosen.check(programs)
    if chosen.count is None:
        _verify_programs(programs, chosen)
        return
    fuzz(
        chosen.wanted,
        (chosen.engine or "dense", chosen.dtype, chosen.device),
        chosen.uncertified,
        chosen.count,
        chosen.seed or 0,
        chosen.steps,
        _sharing(chosen),
        chosen.as_json,
    )


def _verify_programs(programs: tuple[Path, ...], options: _Options) -> None:
    """Verify programs in order and report each. Raises Mismatch."""
    content = _read_input(options.data)
    tasks = [_Task(path, options, content) for path in programs]
    verdicts = []
    try:
        for path, verdict in zip(programs, _sharing(options)(_verify, tasks), strict=True):
            verdicts.append({"file": str(path), "equal": True, **_agreement(verdict)})
            if not options.as_json:
                click.echo("\n".join(_report(path, verdict)))
    except Mismatch as mismatch:
        if options.as_json:
            path = programs[len(verdicts)]
            click.echo(json.dumps({"file": str(path), **_mismatch(mismatch)}))
        raise
    if options.as_json:
        click.echo(json.dumps(verdicts))


Item = TypeVar("Item")
Result = TypeVar("Result")


def _sharing(
    options: _Options,
) -> Callable[[Callable[[Item], Result], Iterable[Item]], Iterator[Result]]:
    """How work is shared: over processes of this machine, or over a cluster."""
    address = options.cluster
    if address is None:
        return lambda function, items: parallel_map(function, items, options.jobs)
    return lambda function, items: map_on_cluster(function, items, address)


@dataclass(frozen=True, slots=True)
class _Task:
    """One program to verify and its input, as another process gets them."""

    path: Path
    options: _Options
    data: bytes


def _verify(task: _Task) -> Agreement:
    """Run a program in lockstep with the reference. Raises Mismatch."""
    options = task.options
    compiled, image, name = _opened(task.path, options)
    alone = options.jobs == 1 and options.cluster is None
    with progress(f"verify {task.path}", shown=alone) as line:
        report = reporter(options.verbose, line)
        engine = api.choose_engine(
            compiled, name, options.dtype, options.device, report, options.uncertified
        )

        def note(text: str) -> None:
            line.clear()
            click.echo(f"{task.path}: {text}", err=True)

        steps, around = options.steps, options.environment
        return api.verify(compiled, image, task.data, steps, engine, line, note, around)


def _opened(path: Path, options: _Options) -> tuple[CompiledMachine, Image, str]:
    """A program, its machine and the engine: with the memory of a run, unless `dense` is wanted."""
    wants_dense = options.uncertified or options.device != "cpu"
    engine = options.engine or ("dense" if wants_dense else None)
    machine, image = open_program(path, options.wanted, options.dtype, engine or "auto")
    if engine is None:
        memory = options.wanted.memory or api.usual_memory(image)
        if path.suffix == COMPILED:
            memory = machine.plan.memory
        engine = "dense" if memory <= _MOST_DENSE else "lifted"
    return machine, image, engine


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


def _agreement(agreement: Agreement) -> dict[str, object]:
    return {
        "steps": agreement.steps,
        "lanes": agreement.lanes,
        "halted": agreement.halted,
        **({} if agreement.endless is None else {"endless": agreement.endless}),
        "output": agreement.outputs[0].decode("latin-1"),
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


def _report(path: Path, agreement: Agreement) -> Iterator[str]:
    if agreement.outputs[0]:
        shown = agreement.outputs[0].decode("latin-1").encode("unicode_escape").decode("ascii")
        yield f"{path}: wrote {len(agreement.outputs[0])} bytes: {shown[:200]}"
    end = "until it halted" if agreement.halted else "without a halt"
    if agreement.endless is not None:
        end = f"until it stood still: the instruction at {agreement.endless:#x} jumps to itself"
    yield (
        f"{path}: equal. {agreement.steps:,} steps {end}; after each, all "
        f"{agreement.lanes:,} lanes were exactly those of the reference."
    )
