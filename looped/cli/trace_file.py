"""--trace-file and --trace-format of `looped run`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from looped.run.session import Session
from looped.traces.formats import Format, TraceFile

__all__ = ["check_trace_options", "save_trace", "trace_file_options"]

F = TypeVar("F", bound=Callable[..., Any])


def trace_file_options(command: F) -> F:
    """--trace-file and --trace-format."""
    for option in (
        click.option(
            "--trace-format",
            type=click.Choice([form.value for form in Format]),
            help="Format of the trace file; by default, as its name says. spike: the commit log of "
            "the RISC-V simulator.",
        ),
        click.option(
            "--trace-file",
            type=click.Path(path_type=Path, readable=False),
            metavar="FILE",
            help="Write one record per instruction to FILE (.jsonl or .parquet).",
        ),
    ):
        command = option(command)
    return command


def check_trace_options(on_stderr: bool, path: Path | None, form: str | None) -> None:
    """Raise UsageError for options that contradict each other."""
    if form is not None and path is None:
        raise click.UsageError("--trace-format needs --trace-file FILE.")
    if on_stderr and path is not None:
        raise click.UsageError("--trace and --trace-file exclude each other.")


def save_trace(session: Session, path: Path, form: str | None, limit: int | None) -> None:
    """Run to the end, and write the trace; also if the run ends early."""
    chosen = None if form is None else Format(form)
    file = TraceFile(path, chosen, session.image)
    registers = range(session.machine.plan.n_registers)
    file.save(session.journal(limit), [session.port.register(number) for number in registers])
