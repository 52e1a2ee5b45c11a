"""ablate: knock out every head and every MLP group of a machine, and print what breaks."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from looped import api
from looped.artefact.plan import CompiledMachine, Plan
from looped.cli.options import json_option, parameter_option
from looped.cli.progress import ProgressLine, progress
from looped.errors import CompileError, MismatchError
from looped.files import write_atomically
from looped.image import Image

if TYPE_CHECKING:
    from looped.study.parts import Part

__all__ = ["ablate"]


_HELP = """Knock out every head and every MLP group of MACHINE, one at a time, and say what breaks.

Without a part, the weights run single loops: instructions of random programs, and the first loops
of the programs that you name. Each must leave the state that the reference has. The table says
which kinds of instructions break, which programs and in which loop, and the first wrong word. The
circuit without the same part says which loops need it. If other loops break than those, the exit
code is 1.

\b
Examples:
  looped ablate subleq --memory 64 --programs programs/subleq/hello.sasm
  looped ablate rv32i --memory 32 -o table.md
  looped ablate fleq --set side=2 --cases 1
"""


@click.command(help=_HELP)
@click.argument("machine")
@click.option("--width", type=int, metavar="BITS", help="Bits of a word: 8, 16 or 32.")
@parameter_option
@click.option(
    "--memory",
    type=int,
    default=64,
    show_default=True,
    metavar="WORDS",
    help="Words of memory, a power of two.",
)
@click.option(
    "--programs",
    "paths",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A program whose first loops are cases, too. It gets no input.",
)
@click.option(
    "--loops",
    type=click.IntRange(1),
    default=20,
    show_default=True,
    help="So many loops of each program.",
)
@click.option(
    "--cases",
    type=click.IntRange(1),
    default=4,
    show_default=True,
    help="So many random loops of each kind of instruction.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the table into a file.",
)
@json_option
def ablate(
    machine: str,
    width: int | None,
    parameters: dict[str, int],
    memory: int,
    paths: tuple[Path, ...],
    loops: int,
    cases: int,
    output: Path | None,
    as_json: bool,
) -> None:
    """Knock out every head and every MLP group of a machine, and say what breaks."""
    from looped.engines.torch_threads import on_threads
    from looped.study.ablation import knock_out_all
    from looped.study.survey import begin

    def show(lines: Iterable[str]) -> None:
        if output is None and not as_json:
            line.clear()
            click.echo("\n".join(lines))

    with progress(f"ablate {machine}") as line, on_threads(1):
        compiled = api.compile_machine(machine, width, memory, parameters=parameters)
        images = {path.stem: _image(path, compiled) for path in paths}
        line.note(f"loops of {machine}")
        begun, outcomes = begin(compiled.plan, images, cases, loops), []
        show(begun.heading())
        for outcome in knock_out_all(compiled, begun.cases, _noted(line, compiled.plan)):
            outcomes.append(outcome)
            show([begun.line(outcome)])
        found = dataclasses.replace(begun, outcomes=tuple(outcomes))
        show(found.verdict())
    if output is not None:
        write_atomically(output, found.markdown().encode())
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(row) for row in found.rows()]))
    if wrong := found.disagreements():
        raise MismatchError(f"other loops break than those that need {wrong[0]}")


def _noted(line: ProgressLine, plan: Plan) -> Callable[[Part], None]:
    """Shows how many parts are done, and which one is next."""
    from looped.study.parts import parts

    numbers = {part: number for number, part in enumerate(parts(plan), 1)}
    return lambda part: line.note(
        f"{plan.machine} without {part}, {numbers[part]} of {len(numbers)}"
    )


def _image(path: Path, compiled: CompiledMachine) -> Image:
    """The program in a file. Raises CompileError if it is for another machine or too long."""
    plan, image = compiled.plan, api.assemble(path)
    if (image.machine, image.width) != (plan.machine, plan.width):
        raise CompileError(f"{path} is a program for {image.machine}, {image.width} bits")
    image.padded(plan.memory)
    return image
