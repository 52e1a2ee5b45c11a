"""run, verify: execute a program on the transformer, and hold it against the reference."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click

from looped import api
from looped.cli.options import engine_options, json_option, machine_options, open_program
from looped.cli.progress import Progress, progress
from looped.cli.session import Input, Output, Session
from looped.engines.computer import Computer
from looped.errors import FileError, StepLimitError
from looped.files import read_bytes
from looped.verify.lockstep import Mismatch, Verdict

__all__ = ["run", "verify"]

_PATH = click.Path(path_type=Path)
_INPUT_LIMIT = 64 << 20


@click.command()
@click.argument("program", type=_PATH)
@machine_options
@engine_options("auto")
@click.option("--steps", type=click.IntRange(min=0), help="Stop after so many instructions.")
@click.option("--trace", is_flag=True, help="Print every instruction on stderr.")
@json_option
def run(
    program: Path,
    machine: str | None,
    width: int | None,
    memory: int | None,
    engine: str,
    dtype: str,
    device: str,
    verbose: bool,
    steps: int | None,
    trace: bool,
    as_json: bool,
) -> None:
    """Run PROGRAM (source, image or compiled file) on the transformer until it halts.

    stdin and stdout are the program's own. With --json, stdout is one object with the output in it.

    \b
    Examples:
      looped run programs/subleq/hello.sasm
      echo 'hello' | looped run programs/subleq/echo.sasm
      looped run FORTH.dec --machine subleq --width 16 --memory 32768
      looped run programs/subleq/fibonacci.sasm --trace --steps 20
    """
    compiled, image = open_program(program, machine, width, memory)
    with progress("run") as line:
        report = _reporter(verbose, line)
        chosen = api.choose_engine(compiled, engine, dtype, device, report)
        output = Output(None if as_json else sys.stdout.buffer, line)
        computer = Computer(compiled.plan, chosen, [image.words], [_standard_input(output)])
        session = Session(computer, image, line, output, trace)
        try:
            session.run(steps)
        except KeyboardInterrupt:
            line.clear()
            click.echo(f"\nstopped after {session.steps} steps at {session.place()}", err=True)
            raise
    report(f"{session.steps:,} steps, {chosen.fallbacks} passes left to the dense engine")
    if as_json:
        click.echo(json.dumps(session.summary()))
    if not computer.halted():
        raise StepLimitError(
            f"{program} has not halted after {session.steps} steps: it is at {session.place()}",
            hint="more with --steps, or no limit without it",
        )


def _reporter(verbose: bool, line: Progress) -> Callable[[str], None]:
    def report(text: str) -> None:
        if verbose:
            line.clear()
            click.echo(text, err=True)

    return report


def _standard_input(output: Output) -> bytes | Input:
    """The program's input; nothing if the command was started without one (`<&-`)."""
    return b"" if sys.stdin is None else Input(sys.stdin.buffer, output)


@click.command()
@click.argument("programs", type=_PATH, nargs=-1, required=True, metavar="PROGRAM...")
@machine_options
@engine_options("dense")
@click.option("--steps", type=click.IntRange(min=0), help="Compare so many instructions at most.")
@click.option(
    "--input", "data", type=_PATH, help="A file that is the programs' input; - for stdin."
)
@json_option
def verify(
    programs: tuple[Path, ...],
    machine: str | None,
    width: int | None,
    memory: int | None,
    engine: str,
    dtype: str,
    device: str,
    verbose: bool,
    steps: int | None,
    data: Path | None,
    as_json: bool,
) -> None:
    """Run every PROGRAM on the transformer and on the reference, and compare after every loop.

    All of the state is compared: memory, program counter, flags, input and output, and every other
    lane of the residual stream, each of which must be exactly -1 or +1. The first difference is
    reported by name, and the exit code is 1.

    \b
    Examples:
      looped verify programs/subleq/sieve.sasm
      looped verify programs/subleq/*.sasm
      looped verify sieve.safetensors --dtype float64
      echo 'hello' | looped verify programs/subleq/echo.sasm --input -
    """
    content = _read_input(data)
    verdicts = []
    for path in programs:
        compiled, image = open_program(path, machine, width, memory)
        with progress(f"verify {path}") as line:
            report = _reporter(verbose, line)
            chosen = api.choose_engine(compiled, engine, dtype, device, report)
            try:
                verdict = api.verify(compiled, image, content, steps, chosen, line)
            except Mismatch as mismatch:
                if as_json:
                    click.echo(json.dumps({"file": str(path), **_mismatch(mismatch)}))
                raise
        verdicts.append({"file": str(path), "equal": True, **_verdict(verdict)})
        if not as_json:
            click.echo("\n".join(_report(path, verdict)))
    if as_json:
        click.echo(json.dumps(verdicts))


def _read_input(data: Path | None) -> bytes:
    if data is None:
        return b""
    if str(data) == "-":
        content = b"" if sys.stdin is None else sys.stdin.buffer.read(_INPUT_LIMIT + 1)
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
