"""run --input: one program with the inputs in several files, as a batch."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import click

from looped.artefact.plan import CompiledMachine
from looped.cli.progress import ProgressLine
from looped.engines.engine import Engine
from looped.environment import Environment
from looped.errors import (
    InterruptionError,
    LoopedError,
    OutputLimitError,
    StepLimitError,
    TimeLimitError,
    TrapError,
)
from looped.files import read_bytes
from looped.image import Image
from looped.run.batch import Limits, Outcome, run_batch
from looped.run.interrupts import End

__all__ = ["MOST_BYTES", "run_inputs"]

MOST_BYTES = 64 << 20
"""The largest input in a file."""


def run_inputs(
    machine: CompiledMachine,
    image: Image,
    engine: Engine,
    paths: Sequence[Path],
    limits: Limits,
    environment: Environment,
    as_json: bool,
    line: ProgressLine,
) -> NoReturn:
    """Run a program with the input in each file, and write the outputs in the order of the files.

    Ends with the first exit status that is not 0. Raises FileError for a file that cannot be read,
    and LoopedError for the first input with which the program did not halt by itself.
    """
    inputs = [read_bytes(path, MOST_BYTES) for path in paths]
    outcomes = run_batch(machine, image, inputs, engine, limits, environment, line)
    line.clear()
    pairs = list(zip(paths, outcomes, strict=True))
    if as_json:
        click.echo(json.dumps([_summary(path, outcome) for path, outcome in pairs]))
    for path, outcome in pairs:
        if not as_json:
            click.echo(outcome.output, nl=False)
        if outcome.failure is not None:
            click.echo(f"{path}: {outcome.failure}", err=True)
    for path, outcome in pairs:
        error = _error(path, outcome, limits)
        if error is not None:
            raise error
    codes = [outcome.exit_code or 0 for outcome in outcomes]
    click.get_current_context().exit(next((code for code in codes if code), 0))


def _summary(path: Path, outcome: Outcome) -> dict[str, object]:
    """The run with one input as JSON; the output is text of code points 0 to 255."""
    summary: dict[str, object] = {
        "input": str(path),
        "halted": outcome.end is End.HALTED,
        "steps": outcome.steps,
        "pc": outcome.pc,
        "output": outcome.output.decode("latin-1"),
    }
    if outcome.emulated is not None:
        summary |= {"exit_code": outcome.exit_code, "emulated": outcome.emulated}
    return summary


def _error(path: Path, outcome: Outcome, limits: Limits) -> LoopedError | None:
    """The error that says why the program did not halt by itself with an input."""
    where = f"after {outcome.steps} steps at {outcome.place}"
    match outcome.end:
        case End.SIGNAL:
            assert limits.interrupts.received is not None
            return InterruptionError(f"interrupted {where}", limits.interrupts.received)
        case End.TIME:
            return TimeLimitError(f"with {path} it did not halt within --timeout: it is {where}")
        case End.OUTPUT:
            return OutputLimitError(
                f"with {path} it wrote more than {limits.output} bytes: it stopped {where}"
            )
        case End.STEPS:
            return StepLimitError(
                f"with {path} it did not halt within {outcome.steps} steps: it is at "
                f"{outcome.place}"
            )
    return None if outcome.trap is None else TrapError(f"with {path}: {outcome.trap}")
