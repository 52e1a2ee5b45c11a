"""diff: the first difference of two traces or runs."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import click

from looped import api
from looped.cli.options import Wanted, json_option, machine_options, open_program
from looped.files import read_bytes
from looped.run.session import Session
from looped.run.streams import Output
from looped.traces.difference import Agreement, Difference, compare
from looped.traces.formats import is_trace, read_trace
from looped.traces.record import Record
from looped.verify.records import reference_records

__all__ = ["diff"]

_PATH = click.Path(path_type=Path, readable=False)  # opening it reports what is wrong
_INPUT_LIMIT = 64 << 20

_HELP = """Find the first difference of A and B: by step, word, bit and source line.

A and B are trace files of `looped run --trace-file` (.jsonl, .parquet) or programs, which run on
the transformer. Without B, A runs twice. Two --engine run A and B on two engines; with
--reference, the reference runs B. The command exits with 0 if they are equal, with 1 if they
differ.

\b
Examples:
  looped diff monday.parquet tuesday.parquet
  looped diff programs/subleq/sieve.sasm --reference
  looped diff programs/subleq/sieve.sasm --engine lifted --engine dense --steps 500
  looped diff sieve.jsonl programs/subleq/sieve.sasm
  looped diff old.sasm new.sasm --input data.txt
"""


@dataclass(frozen=True, slots=True)
class _Options:
    """The options of the command, by the names of their parameters."""

    wanted: Wanted
    engines: tuple[str, ...]
    reference: bool
    steps: int | None
    data: Path | None
    as_json: bool


@click.command(help=_HELP)
@click.argument("a", type=_PATH)
@click.argument("b", type=_PATH, required=False)
@machine_options
@click.option(
    "--engine",
    "engines",
    multiple=True,
    type=click.Choice(["auto", *api.ENGINES]),
    help="What executes the weights. Given twice: of A, then of B.  [default: auto]",
)
@click.option("--reference", is_flag=True, help="Run B on the reference.")
@click.option("--steps", type=click.IntRange(min=0), help="Compare at most this many instructions.")
@click.option("--input", "data", type=_PATH, help="File with the input of the programs.")
@json_option
def diff(a: Path, b: Path | None, **options: Any) -> None:
    """Find the first difference of two traces or runs."""
    chosen = _Options(**options)
    _check(a, b, chosen)
    second = a if b is None else b
    data = b"" if chosen.data is None else read_bytes(chosen.data, _INPUT_LIMIT)
    engines = (*chosen.engines, "auto")
    first, shown = _records(a, chosen, engines[0], data, False)
    other, also = _records(second, chosen, engines[len(chosen.engines) - 1], data, chosen.reference)
    if chosen.steps is not None:
        first, other = islice(first, chosen.steps), islice(other, chosen.steps)
    found = compare(first, other, shown or also)
    click.echo(json.dumps(_as_json(found)) if chosen.as_json else _report(found))
    click.get_current_context().exit(int(isinstance(found, Difference)))


def _check(a: Path, b: Path | None, options: _Options) -> None:
    """Raise UsageError for options that contradict each other."""
    if len(options.engines) > 2:
        raise click.UsageError("--engine is given at most twice.")
    if b is None and is_trace(a):
        raise click.UsageError(f"{a} is a trace: give another one, or a program, as B.")
    if options.reference and is_trace(a if b is None else b):
        raise click.UsageError("--reference runs B, which is a trace and not a program.")
    if b is None and not options.reference and len(options.engines) < 2:
        raise click.UsageError("Missing argument 'B', or --reference, or a second --engine.")


def _records(
    path: Path, options: _Options, engine: str, data: bytes, on_reference: bool
) -> tuple[Iterator[Record], bool]:
    """The records of a trace or a run, and whether its addresses are hexadecimal."""
    if is_trace(path):
        return read_trace(path), False
    machine, image = open_program(path, options.wanted, engine=engine)
    in_bytes = image.addresses_per_word > 1
    if on_reference:
        return reference_records(image, machine.plan, data), in_bytes
    chosen = api.choose_engine(machine, engine)
    nowhere = Output(open(os.devnull, "wb"))  # noqa: SIM115 (open as long as the run)
    session = Session(machine, image, chosen, data, nowhere)
    return session.journal(), in_bytes


def _report(found: Agreement | Difference) -> str:
    """The verdict for people, with the steps before."""
    if isinstance(found, Agreement):
        return f"equal: {found.steps:,} steps"
    lines = [str(found), *(f"    {_line(record)}" for record in found.before)]
    for name, record in zip("AB", found.records, strict=True):
        lines.append(f"  {name} {'(ended)' if record is None else _line(record)}")
    return "\n".join(lines)


def _line(record: Record) -> str:
    """A record on a line: step, program counter, text, what it wrote."""
    notes = [f"mem[{write.address}] = {write.new}" for write in record.writes]
    notes += [f"x{write.register} = {write.new:#x}" for write in record.registers]
    if record.trap is not None:
        notes.append(f"trap {record.trap}")
    if record.output:
        notes.append(f"out {record.output!r}")
    return f"{record.step:>8}  pc {record.pc:>6}  {record.text:<24} {' '.join(notes)}".rstrip()


def _as_json(found: Agreement | Difference) -> dict[str, object]:
    if isinstance(found, Agreement):
        return {"equal": True, "steps": found.steps}
    return {
        "equal": False,
        "step": found.step,
        "place": found.place,
        "a": found.a,
        "b": found.b,
        "source": found.source,
        "message": str(found),
    }
