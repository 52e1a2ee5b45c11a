"""study: experiments on the core, printed as tables."""

from __future__ import annotations

from pathlib import Path

import click

from looped.cli.progress import progress

__all__ = ["study"]


_STUDY = """Measure constructions of the literature on the core.

\b
Examples:
  looped study paper
  looped study variants
"""


@click.group(help=_STUDY)
def study() -> None:
    """The group of studies."""


_PAPER = """Measure the real-valued constructions of Giannou et al. 2023 in float16, 32 and 64.

Each is written as weights of the core: softmax attention, ReLU units, residual stream, and no norm,
as in the paper. Three tables: the largest error of each construction against its bound; how wide a
word the adder holds; and how many steps the paper's SUBLEQ stays equal to the reference
interpreter, for each λ, with and without the error correction layer. Takes a few minutes.

\b
Examples:
  looped study paper
  looped study paper --steps 1000 --plot paper.png
"""


@study.command(help=_PAPER)
@click.option(
    "--steps",
    type=click.IntRange(1),
    default=200,
    show_default=True,
    help="At most so many steps of SUBLEQ.",
)
@click.option(
    "--plot",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Draw errors and steps into a .png, .svg or .pdf file, too.",
)
def paper(steps: int, plot: Path | None) -> None:
    """Measure the constructions of Giannou et al. 2023 in float16, 32 and 64."""
    from looped.inspect.figure import require_plot
    from looped.study.paper.cases import cases
    from looped.study.paper.layers import DTYPES
    from looped.study.paper.plot import draw
    from looped.study.paper.table import (
        MACHINES,
        adder_row,
        adder_table,
        error_row,
        error_table,
        steps_row,
        steps_table,
    )

    if plot is not None:
        require_plot(plot)
    with progress("study paper") as line:
        errors = []
        for case in cases():
            line.note(case.name)
            errors.append(error_row(case))
        line.clear()
        click.echo(error_table(errors))
        click.echo(f"\nThe adder:\n\n{adder_table([adder_row(dtype) for dtype in DTYPES])}")
        rows = []
        for machine in MACHINES:
            for dtype in DTYPES:
                line.note(f"SUBLEQ, {machine.name}, {dtype}")
                rows.append(steps_row(machine, dtype, steps))
        line.clear()
        click.echo(f"\nSteps of SUBLEQ that are right, of {steps}:\n\n{steps_table(rows)}")
        if plot is not None:
            draw(plot, steps, line.note)


_VARIANTS = """Run SUBLEQ on every transformer that hosts it, and print what that costs.

Each row is a run: three programs beside the reference, every lane after every step. The regime is
what the certificate proves. --plot draws four curves from runs: how long a machine stays right at
which temperature, with and without snaps; what linear attention and the ∞-former can hold; the
cache of a trace with selective attention; the error of a differential read.

\b
Examples:
  looped study variants
  looped study variants --steps 1000 --plot variants.svg
"""


@study.command(help=_VARIANTS)
@click.option(
    "--steps",
    type=click.IntRange(1),
    default=300,
    show_default=True,
    help="So many steps of each program.",
)
@click.option(
    "--plot",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Draw the curves into a .png, .svg or .pdf file, too.",
)
def variants(steps: int, plot: Path | None) -> None:
    """Run SUBLEQ on every transformer that hosts it, and print what that costs."""
    from looped.inspect.figure import require_plot
    from looped.study.variants.plot import draw
    from looped.study.variants.table import SYSTEMS, measure, table
    from looped.study.variants.traces import TRACES, run_trace, trace_table

    if plot is not None:
        require_plot(plot)
    with progress("study variants") as line:
        rows = []
        for system in SYSTEMS:
            line.note(system.name)
            rows.append(measure(system, steps))
        line.clear()
        click.echo(table(rows))
        click.echo(trace_table(run_trace(trace, steps) for trace in TRACES), nl=False)
        if plot is not None:
            draw(plot, steps, line.note)
