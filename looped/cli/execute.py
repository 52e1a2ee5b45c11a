"""run, verify: execute a program on the transformer, and hold it against the reference."""

from __future__ import annotations

import io
import json
import math
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path
from typing import cast

import click

from looped import api
from looped.cli.options import engine_options, json_option, machine_options, open_program
from looped.cli.progress import Progress, progress
from looped.cli.session import Session, early_end
from looped.cli.streams import Input, Output
from looped.cli.watch import End, Watch
from looped.devices import host_for, unserved_trap
from looped.engines.checkpoint import identify
from looped.engines.computer import Computer
from looped.engines.host import ColumnPort
from looped.errors import FileError, TrapError
from looped.files import read_bytes
from looped.verify.farm import each
from looped.verify.lockstep import Mismatch, Verdict

__all__ = ["run", "verify"]

_PATH = click.Path(path_type=Path, readable=False)  # what cannot be read is told by who reads
_INPUT_LIMIT = 64 << 20
_LONGEST = 1e9
"""Seconds, thirty years: what the system can be asked to wait."""


def _number(value: float | None) -> float | None:
    """A number that is one: `nan` is in every range."""
    if value is not None and math.isnan(value):
        raise click.BadParameter("nan is not a number.")
    return value


@click.command()
@click.argument("program", type=_PATH)
@machine_options
@engine_options("auto")
@click.option("--steps", type=click.IntRange(min=0), help="Stop after so many instructions.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, max=_LONGEST, min_open=True),
    callback=lambda ctx, option, value: _number(value),
    metavar="SECONDS",
    help="Stop after so much time.",
)
@click.option(
    "--max-output",
    type=click.IntRange(min=0),
    metavar="BYTES",
    help="Stop when the program puts out more.",
)
@click.option(
    "--checkpoint", type=_PATH, metavar="FILE", help="Leave a checkpoint, however the run ends."
)
@click.option(
    "--every",
    type=click.IntRange(min=1),
    metavar="N",
    help="Write the checkpoint every N instructions, too, and hand over output only then.",
)
@click.option("--resume", type=_PATH, metavar="FILE", help="Go on from a checkpoint of PROGRAM.")
@click.option("--trace", is_flag=True, help="Print every instruction on stderr.")
@json_option
def run(
    program: Path,
    machine: str | None,
    width: int | None,
    memory: int | None,
    engine: str,
    dtype: str,
    uncertified: bool,
    device: str,
    verbose: bool,
    steps: int | None,
    timeout: float | None,
    max_output: int | None,
    checkpoint: Path | None,
    every: int | None,
    resume: Path | None,
    trace: bool,
    as_json: bool,
) -> None:
    """Run PROGRAM (source, image or compiled file) on the transformer until it halts.

    stdin and stdout are the program's own. With --json, stdout is one object with the output in it.
    A resumed run is given the same input from its beginning; steps and output count from the
    program's beginning.

    \b
    Examples:
      looped run programs/subleq/hello.sasm
      echo 'hello' | looped run programs/subleq/echo.sasm
      looped run FORTH.dec --machine subleq --width 16 --memory 32768
      looped run programs/subleq/fibonacci.sasm --trace --steps 20
      looped run LONG.sasm --checkpoint long.state --every 1000000 > output
      looped run LONG.sasm --checkpoint long.state --every 1000000 --resume long.state >> output
    """
    if every is not None and checkpoint is None:
        raise click.UsageError("--every needs --checkpoint FILE.")
    compiled, image = open_program(program, machine, width, memory, dtype)
    screen = not as_json and sys.stdout.isatty()  # it is the program's: no line of ours on it
    with progress("run", shown=not screen) as line:
        report = _reporter(verbose, line)
        chosen = api.choose_engine(compiled, engine, dtype, device, report, uncertified)
        output = Output(None if as_json else sys.stdout.buffer, line, max_output)
        source = Input(_standard_input())
        hosts = [host_for(image, source)]
        computer = Computer(compiled.plan, chosen, [image.words], [source], [image.entry], hosts)
        with Watch(timeout) as watch:
            session = Session(computer, image, line, source, output, watch)
            if checkpoint or resume:
                session.persist(identify(compiled, image), resume, checkpoint, every)
            chosen.prepare(line.note)
            line.clear()
            if trace:
                session.trace()
            end = session.run(steps)
    report(f"{session.steps:,} steps, {chosen.fallbacks} passes left to the dense engine")
    if as_json:
        click.echo(json.dumps(session.summary()))
    if end is not End.HALTED:
        raise early_end(end, str(program), session)
    trap = unserved_trap(image, hosts[0], ColumnPort(compiled.plan, chosen, 0))
    if trap is not None:
        raise TrapError(trap)


def _reporter(verbose: bool, line: Progress) -> Callable[[str], None]:
    def report(text: str) -> None:
        if verbose:
            line.clear()
            click.echo(text, err=True)

    return report


def _standard_input() -> BufferedIOBase:
    """The program's input; nothing if the command was started without one (`<&-`)."""
    return io.BytesIO() if sys.stdin is None else cast(BufferedIOBase, sys.stdin.buffer)


@click.command()
@click.argument("programs", type=_PATH, nargs=-1, required=True, metavar="PROGRAM...")
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
    as_json: bool,
) -> None:
    """Run every PROGRAM on the transformer and on the reference, and compare after every loop.

    All of the state is compared: memory, program counter, flags, input and output, and every other
    lane of the residual stream, each of which must be exactly -1 or +1. The first difference is
    reported by name, and the exit code is 1.

    \b
    Examples:
      looped verify programs/subleq/sieve.sasm
      looped verify programs/subleq/*.sasm --jobs 2
      looped verify programs/subleq/sieve.sasm --engine lifted
      looped verify sieve.safetensors --dtype float64
      echo 'hello' | looped verify programs/subleq/echo.sasm --input -
    """
    content = _read_input(data)
    tasks = [
        _Task(
            path,
            (machine, width, memory),
            (engine, dtype, device),
            uncertified,
            verbose,
            jobs == 1,
            steps,
            content,
        )
        for path in programs
    ]
    verdicts = []
    try:
        for task, verdict in zip(tasks, each(_verify, tasks, jobs), strict=True):
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
        report = _reporter(task.verbose, line)
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
        yield f"{path}: put out {len(verdict.outputs[0])} bytes: {shown[:200]}"
    end = "until it halted" if verdict.halted else "without reaching its end"
    yield (
        f"{path}: equal. {verdict.steps:,} steps {end}; after each, all {verdict.lanes:,} lanes "
        "were exactly those of the reference."
    )
