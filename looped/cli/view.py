"""view: a page that shows a run from the inside."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from looped import api
from looped.cli.options import (
    Wanted,
    check_engine,
    engine_options,
    json_option,
    machine_options,
    open_program,
)
from looped.cli.progress import progress, reporter
from looped.files import read_bytes, write_atomically

if TYPE_CHECKING:
    from looped.view.collect import Run

__all__ = ["view"]

_PATH = click.Path(path_type=Path, readable=False)
_LARGEST_INPUT = 1 << 26
"""The most bytes of a file that is a program's input."""

_HELP = """Write a page that shows a run of PROGRAM from the inside.

The page is one HTML file that needs no network. It shows the source, memory and registers, the
lanes of the CPU column after every phase, which columns attend to which, and the hidden units that
fire, for each instruction and each loop of it.

\b
Examples:
  looped view programs/subleq/multiply.sasm -o multiply.html
  looped view programs/rv32i/gcd.s -o gcd.html --steps 200
"""


@click.command(help=_HELP)
@click.argument("program", type=_PATH)
@machine_options
@engine_options("auto")
@json_option
@click.option("-o", "output", type=_PATH, required=True, metavar="FILE", help="The page to write.")
@click.option("--input", "source", type=_PATH, metavar="FILE", help="The program's input.")
@click.option(
    "--steps",
    type=click.IntRange(1),
    default=5_000,
    show_default=True,
    help="At most so many instructions; the page says if the program is longer.",
)
def view(
    program: Path,
    wanted: Wanted,
    engine: str,
    dtype: str,
    uncertified: bool,
    device: str,
    verbose: bool,
    as_json: bool,
    output: Path,
    source: Path | None,
    steps: int,
) -> None:
    """Write a page that shows a run of PROGRAM from the inside."""
    from looped.view.collect import collect
    from looped.view.page import page

    check_engine(engine, uncertified)
    content = b"" if source is None else read_bytes(source, _LARGEST_INPUT)
    with progress("view") as line:
        compiled, image = open_program(program, wanted, dtype)
        chosen = api.choose_engine(
            compiled, engine, dtype, device, reporter(verbose, line), uncertified
        )
        run = collect(compiled, image, chosen, content, steps, line)
        made = page(run, program.name)
    write_atomically(output, made)
    _report(output, run, len(made), as_json)


def _report(output: Path, run: Run, size: int, as_json: bool) -> None:
    count = len(run.instructions)
    if as_json:
        told = {"file": str(output), "instructions": count, "loops": run.loops}
        click.echo(json.dumps({**told, "ended": run.ended, "bytes": size}))
        return
    ends = {"steps": ", the limit of --steps", "loops": ", the most that a page shows"}
    click.echo(
        f"{output}: {count:,} instructions in {run.loops:,} loops{ends.get(run.ended, '')}, "
        f"{size / 1e6:.1f} MB"
    )
