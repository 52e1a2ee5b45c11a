"""plot: pictures of weights and of runs."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from looped import api
from looped.cli.options import Wanted, machine_options, open_program, open_target
from looped.cli.progress import progress
from looped.errors import FileError
from looped.inspect.figure import require_plot

if TYPE_CHECKING:
    from looped.run.session import Session

__all__ = ["plot"]

F = TypeVar("F", bound=Callable[..., Any])

_PATH = click.Path(path_type=Path, readable=False)  # opening it reports what is wrong
_HELP = """Draw weights and runs into a .svg, .png or .pdf file.

All that is drawn comes from the weights and from the residual stream. Programs read stdin.

\b
Examples:
  looped plot weights subleq --width 8 --memory 64 --block 2 -o weights.svg
  looped plot step programs/subleq/multiply.sasm --step 8 -o step.svg
  looped plot memory programs/subleq/sieve.sasm -o memory.png
  looped plot heads programs/subleq/multiply.sasm -o heads.svg
"""


@click.group(help=_HELP)
def plot() -> None:
    """Draw weights and runs into a .svg, .png or .pdf file."""


def _output(command: F) -> F:
    return click.option(
        "-o",
        "--output",
        type=click.Path(dir_okay=False, path_type=Path),
        required=True,
        metavar="FILE",
        callback=_checked,
        help="The picture: .svg, .png or .pdf.",
    )(command)


def _checked(context: click.Context, option: click.Parameter, path: Path) -> Path:
    """The file, before the work begins. Raises FileError if it cannot be drawn."""
    require_plot(path)
    return path


_WEIGHTS = "Draw all weights of a block: rows by head and MLP group, columns by word."


@plot.command(help=_WEIGHTS)
@click.argument("target", metavar="PROGRAM|MACHINE|FILE")
@click.option("--block", type=click.IntRange(1), default=1, show_default=True, metavar="N")
@machine_options
@_output
def weights(target: str, block: int, wanted: Wanted, output: Path) -> None:
    """Draw all weights of a block: rows by head and MLP group, columns by word."""
    from looped.study.plots import draw_weights

    draw_weights(open_target(target, wanted), block - 1, output)


_STEP = """Draw one step: columns, heads with their scores, and what the MLP groups make.

Of an instruction that takes several loops this is the first loop.
"""


@plot.command(help=_STEP)
@click.argument("program", type=_PATH)
@click.option("--step", type=click.IntRange(1), default=1, show_default=True, metavar="N")
@machine_options
@_output
def step(program: Path, step: int, wanted: Wanted, output: Path) -> None:
    """Draw one step: columns, heads with their scores, and what the MLP groups make."""
    from looped.study.plots import describe_loop, draw_step
    from looped.study.watched import watch

    session = _session(program, wanted, "dense" if step < _FAR else "auto")
    session.run(step - 1)
    seen = next(watch(session), None)
    if seen is None:
        raise FileError(f"{program} has no step {step:,}: it ends after {session.steps:,}")
    draw_step(describe_loop(seen, session.image), output)


_FAR = 200
"""From this step on it is quicker to make machine code of the weights than to run them as they are.
"""


_MEMORY = "Draw memory over time: a row for each word that changes, colours for its values."


@plot.command(help=_MEMORY)
@click.argument("program", type=_PATH)
@click.option(
    "--steps",
    type=click.IntRange(1),
    default=10_000,
    show_default=True,
    help="At most so many instructions.",
)
@machine_options
@_output
def memory(program: Path, steps: int, wanted: Wanted, output: Path) -> None:
    """Draw memory over time: a row for each word that changes, colours for its values."""
    from looped.study.plots import draw_memory, history

    session = _session(program, wanted, "auto")
    with progress("plot memory") as line:
        seen = history(session.machine.plan, session.image, session.journal(steps))
        line.clear()
    draw_memory(seen, output)


_HEADS = "Draw what heads do in the first loops: which columns they read and write."


@plot.command(help=_HEADS)
@click.argument("program", type=_PATH)
@click.option(
    "--loops",
    type=click.IntRange(1),
    default=60,
    show_default=True,
    help="At most so many loops.",
)
@machine_options
@_output
def heads(program: Path, loops: int, wanted: Wanted, output: Path) -> None:
    """Draw what heads do in the first loops: which columns they read and write."""
    from looped.study.plots import activity, draw_heads
    from looped.study.watched import watch

    session = _session(program, wanted, "dense")
    seen = activity(session.image, session.machine.plan, islice(watch(session), loops))
    draw_heads(seen, output)


def _session(program: Path, wanted: Wanted, engine: str) -> Session:
    from looped.run.session import Session
    from looped.run.streams import Input

    machine, image = open_program(program, wanted)
    stdin = io.BytesIO() if sys.stdin is None else cast(io.BufferedIOBase, sys.stdin.buffer)
    return Session(machine, image, api.choose_engine(machine, engine), Input(stdin))
