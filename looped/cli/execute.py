"""run: execute a program on the transformer."""

from __future__ import annotations

import io
import json
import math
import sys
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path
from typing import Any, NoReturn, cast

import click

from looped import api
from looped.artefact.plan import CompiledMachine
from looped.cli.ends import early_end
from looped.cli.inputs import MOST_BYTES, run_inputs
from looped.cli.options import (
    Wanted,
    check_engine,
    engine_options,
    environment_options,
    json_option,
    machine_options,
    open_program,
)
from looped.cli.pictures import MemoryFiles, memory_file_options
from looped.cli.progress import ProgressLine, progress, reporter
from looped.cli.trace import step_json, step_line
from looped.cli.trace_file import check_trace_options, save_trace, trace_file_options
from looped.devices import failed_test
from looped.devices.signature import Signature
from looped.engines.engine import Engine
from looped.environment import Environment
from looped.errors import TrapError
from looped.files import read_bytes, write_atomically
from looped.image import Image
from looped.registry import unserved_trap
from looped.run.batch import Limits
from looped.run.interrupts import End, Interrupts
from looped.run.session import Session
from looped.run.streams import Input, Output

__all__ = ["run"]

_PATH = click.Path(path_type=Path, readable=False)  # opening it reports what is wrong
_LONGEST = 1e9
"""Seconds, about thirty years: `select` takes no more."""


def _number(value: float | None) -> float | None:
    """The value of an option. Raises BadParameter for `nan`, which passes every range of click."""
    if value is not None and math.isnan(value):
        raise click.BadParameter("nan is not a number.")
    return value


_HELP = """Run PROGRAM (source, image or compiled file) on the transformer until it halts.

stdin and stdout belong to the program. With --json, stdout is one JSON object that contains the
output. The command exits with the exit status of a RISC-V program. ARGUMENTS are those of a
program with semihosting; see docs/c.md.

`--checkpoint FILE --every N` saves a long run; `--resume FILE` continues it, even after a kill,
with identical output. Pass the same input, from its beginning, to the resumed run. --steps and
--max-output count from the beginning of the program.

\b
Examples:
  looped run programs/subleq/hello.sasm
  looped run PROGRAM.elf; echo $?
  looped run PROGRAM.elf --files FOLDER -- -n 10
  echo 'hello' | looped run programs/subleq/echo.sasm
  looped run FORTH.dec --machine subleq --width 16 --memory 32768
  looped run programs/subleq/reverse.sasm --input A.txt --input B.txt
  looped run programs/subleq/fibonacci.sasm --trace --steps 20
  looped run programs/subleq/sieve.sasm --trace-file sieve.parquet
  looped run programs/rv32i/life.s --image start.png --framebuffer end.png
  looped run LONG.sasm --checkpoint long.state --every 1000000 > output
  looped run LONG.sasm --checkpoint long.state --every 1000000 --resume long.state >> output
"""


@dataclass(frozen=True, slots=True)
class _Options:
    """The options of the command, by the names of their parameters."""

    wanted: Wanted
    engine: str
    dtype: str
    uncertified: bool
    device: str
    verbose: bool
    steps: int | None
    timeout: float | None
    max_output: int | None
    checkpoint: Path | None
    every: int | None
    resume: Path | None
    trace: bool
    trace_file: Path | None
    trace_format: str | None
    signature: Path | None
    as_json: bool
    environment: Environment
    files_in_memory: MemoryFiles
    inputs: tuple[Path, ...]

    def check(self) -> None:
        """Raise UsageError for options that contradict each other."""
        check_engine(self.engine, self.uncertified)
        if self.every is not None and self.checkpoint is None:
            raise click.UsageError("--every needs --checkpoint FILE.")
        check_trace_options(self.trace, self.trace_file, self.trace_format)
        alone = self.checkpoint or self.resume or self.trace or self.trace_file
        if len(self.inputs) > 1 and (alone or self.files_in_memory.used):
            raise click.UsageError("checkpoints, traces and pictures are for one --input.")
        self.files_in_memory.check()


@click.command(help=_HELP)
@click.argument("program", type=_PATH)
@click.argument("arguments", nargs=-1, metavar="[-- ARGUMENTS...]")
@machine_options
@engine_options("auto")
@click.option(
    "--input",
    "inputs",
    type=_PATH,
    multiple=True,
    metavar="FILE",
    help="Input of the program instead of stdin. Repeat it to run the program once with each "
    "file, on all cores; the outputs follow one another.",
)
@click.option("--steps", type=click.IntRange(min=0), help="Stop after this many instructions.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, max=_LONGEST, min_open=True),
    callback=lambda ctx, option, value: _number(value),
    metavar="SECONDS",
    help="Stop this many seconds after the first instruction begins.",
)
@click.option(
    "--max-output",
    type=click.IntRange(min=0),
    metavar="BYTES",
    help="Stop if the program writes more than this.",
)
@click.option(
    "--checkpoint",
    type=_PATH,
    metavar="FILE",
    help="Save a checkpoint when the run ends, for any reason.",
)
@click.option(
    "--every",
    type=click.IntRange(min=1),
    metavar="N",
    help="Also save the checkpoint every N instructions, and write output only then.",
)
@click.option("--resume", type=_PATH, metavar="FILE", help="Continue from a checkpoint.")
@click.option("--trace", is_flag=True, help="Print every instruction on stderr.")
@trace_file_options
@click.option(
    "--signature",
    type=_PATH,
    metavar="FILE",
    help="Write the signature of an architecture test when it halts, a word on each line.",
)
@memory_file_options
@environment_options
@json_option
def run(program: Path, **options: Any) -> None:
    """Run PROGRAM (source, image or compiled file) on the transformer until it halts."""
    chosen = _Options(**options)
    chosen.check()
    on_screen = not chosen.as_json and sys.stdout.isatty()  # then the screen is the program's
    with progress("run", shown=not on_screen) as line:
        if len(chosen.inputs) > 1:
            _run_inputs(program, chosen, line)
        session, engine = _open(program, chosen, line)
        signature = None if chosen.signature is None else Signature.of(session.image)
        with session.interrupts:
            _begin(session, engine, chosen, line)
            trace = _execute(session, chosen, line)
    report = reporter(chosen.verbose, line)
    report(f"{session.steps:,} steps, {engine.fallbacks} loops fell back to the dense engine")
    if session.host is not None:
        report(f"the host emulated {session.host.emulated} CSR and return instructions")
    if chosen.as_json:
        click.echo(json.dumps({**_summary(session), **({"trace": trace} if chosen.trace else {})}))
    if chosen.signature is not None and signature is not None and _is_over(session):
        write_atomically(chosen.signature, signature.text(session.port).encode())
    chosen.files_in_memory.save(session)
    _finish(program, session)


def _is_over(session: Session) -> bool:
    return session.end in (End.HALTED, End.ENDLESS)


def _run_inputs(program: Path, options: _Options, line: ProgressLine) -> NoReturn:
    """Run a program with several inputs, and end as they end."""
    compiled, image, engine = _engine(program, options, line)
    limits = Limits(options.steps, options.max_output, Interrupts(options.timeout))
    given = compiled, image, engine, options.inputs, limits, options.environment
    run_inputs(*given, options.as_json, line)


def _engine(
    program: Path, options: _Options, line: ProgressLine
) -> tuple[CompiledMachine, Image, Engine]:
    """The machine, the image and the engine of a program."""
    note = line.note
    compiled, image = open_program(program, options.wanted, options.dtype, options.engine, note)
    image = options.files_in_memory.loaded(image)
    line.clear()
    report = reporter(options.verbose, line)
    engine = api.choose_engine(
        compiled, options.engine, options.dtype, options.device, report, options.uncertified
    )
    return compiled, image, engine


def _open(program: Path, options: _Options, line: ProgressLine) -> tuple[Session, Engine]:
    """The run and its engine."""
    compiled, image, engine = _engine(program, options, line)
    output = Output(None if options.as_json else sys.stdout.buffer, options.max_output, line.clear)
    source, interrupts = Input(_stream(options.inputs)), Interrupts(options.timeout)
    session = Session(
        compiled, image, engine, source, output, interrupts, line, options.environment
    )
    if options.environment.arguments and session.host is None:
        raise click.UsageError(f"a program of {image.machine} takes no arguments.")
    return session, engine


def _begin(session: Session, engine: Engine, options: _Options, line: ProgressLine) -> None:
    """Do what comes before the first instruction."""
    if options.resume is not None:
        session.resume(options.resume)
    if options.checkpoint is not None:
        session.record(options.checkpoint, options.every)
    engine.prepare(line.note)
    line.clear()


def _execute(session: Session, options: _Options, line: ProgressLine) -> list[dict[str, object]]:
    """Run to the end; returns the trace for --json."""
    trace: list[dict[str, object]] = []
    if options.trace_file is not None:
        save_trace(session, options.trace_file, options.trace_format, options.steps)
        return trace
    if not options.trace:
        session.run(options.steps)
        return trace
    for step in session.walk(options.steps):
        if options.as_json:
            trace.append(step_json(step))
        else:
            session.output.flush()
            line.clear()
            click.echo(step_line(session.steps, step, session.image), err=True)
    return trace


def _summary(session: Session) -> dict[str, object]:
    """The run as JSON; the output is text of code points 0 to 255."""
    summary: dict[str, object] = {
        "halted": _is_over(session),
        "steps": session.steps,
        "pc": session.computer.pc(),
        "output": session.output.kept.decode("latin-1"),
    }
    if session.end is End.ENDLESS:
        summary["endless"] = True
    if session.host is not None:
        summary |= {"exit_code": session.host.exit_code, "emulated": session.host.emulated}
    return summary


def _finish(program: Path, session: Session) -> None:
    """End as the program ended. Raises LoopedError unless the program halted by itself."""
    if session.end is End.ENDLESS:
        where = f"the instruction at {session.place()} jumps to itself"
        click.echo(f"{program}: an endless loop: {where}", err=True)
        return
    if session.end is not End.HALTED:
        raise early_end(str(program), session)
    trap = unserved_trap(session.image, session.host, session.port)
    if trap is not None:
        raise TrapError(trap)
    failure = failed_test(session.host)
    if failure is not None:
        click.echo(f"{program}: {failure}", err=True)
    if session.host is not None:
        click.get_current_context().exit(session.host.exit_code or 0)


def _stream(inputs: tuple[Path, ...]) -> BufferedIOBase:
    """The program's input; empty if the command started without stdin (`<&-`)."""
    if inputs:
        return io.BytesIO(read_bytes(inputs[0], MOST_BYTES))
    return io.BytesIO() if sys.stdin is None else cast(BufferedIOBase, sys.stdin.buffer)
