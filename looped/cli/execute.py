"""run: execute a program on the transformer."""

from __future__ import annotations

import io
import json
import math
import sys
from io import BufferedIOBase
from pathlib import Path
from typing import cast

import click

from looped import api
from looped.cli.options import (
    check_engine,
    engine_options,
    json_option,
    machine_options,
    open_program,
)
from looped.cli.progress import progress, reporter
from looped.devices import RiscvHost, failed_test, host_for, unserved_trap
from looped.devices.host import ColumnPort
from looped.errors import TrapError
from looped.run.checkpoint import identify
from looped.run.computer import Computer
from looped.run.session import Session, early_end
from looped.run.streams import Input, Output
from looped.run.watch import End, Watch

__all__ = ["run"]

_PATH = click.Path(path_type=Path, readable=False)  # what cannot be read is told by who reads
_LONGEST = 1e9
"""Seconds, thirty years: what the system can be asked to wait."""


def _number(value: float | None) -> float | None:
    """A number that is one: `nan` is in every range."""
    if value is not None and math.isnan(value):
        raise click.BadParameter("nan is not a number.")
    return value


_HELP = """Run PROGRAM (source, image or compiled file) on the transformer until it halts.

stdin and stdout are the program's own. With --json, stdout is one object with the output in it.
A RISC-V program that exits by itself gives the command its own status. A resumed run is given
the same input from its beginning; steps and output count from the program's beginning.

\b
Examples:
  looped run programs/subleq/hello.sasm
  looped run PROGRAM.elf; echo $?
  echo 'hello' | looped run programs/subleq/echo.sasm
  looped run FORTH.dec --machine subleq --width 16 --memory 32768
  looped run programs/subleq/fibonacci.sasm --trace --steps 20
  looped run LONG.sasm --checkpoint long.state --every 1000000 > output
  looped run LONG.sasm --checkpoint long.state --every 1000000 --resume long.state >> output
"""


@click.command(help=_HELP)
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
    """Run PROGRAM (source, image or compiled file) on the transformer until it halts."""
    if every is not None and checkpoint is None:
        raise click.UsageError("--every needs --checkpoint FILE.")
    check_engine(engine, uncertified)
    compiled, image = open_program(program, machine, width, memory, dtype)
    screen = not as_json and sys.stdout.isatty()  # it is the program's: no line of ours on it
    with progress("run", shown=not screen) as line:
        report = reporter(verbose, line)
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
    host = hosts[0]
    if host is not None:
        report(f"{host.emulated} CSR and return instructions carried out by the host")
    if as_json:
        click.echo(json.dumps({**session.summary(), **_ending(host)}))
    if end is not End.HALTED:
        raise early_end(end, str(program), session)
    trap = unserved_trap(image, host, ColumnPort(compiled.plan, chosen, 0))
    if trap is not None:
        raise TrapError(trap)
    failure = failed_test(host)
    if failure is not None:
        click.echo(f"{program}: {failure}", err=True)
    if host is not None:
        click.get_current_context().exit(host.exit_code or 0)


def _ending(host: RiscvHost | None) -> dict[str, object]:
    """What is told of a program's host in JSON."""
    if host is None:
        return {}
    return {"exit_code": host.exit_code, "emulated": host.emulated}


def _standard_input() -> BufferedIOBase:
    """The program's input; nothing if the command was started without one (`<&-`)."""
    return io.BytesIO() if sys.stdin is None else cast(BufferedIOBase, sys.stdin.buffer)
