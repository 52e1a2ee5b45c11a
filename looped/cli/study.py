"""study: experiments on the core, printed as tables."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from looped.cli.pages import page_option, shown_in
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


_plot = click.option(
    "--plot",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Draw what the tables say into a .png, .svg or .pdf file, too.",
)


_PAPER = """Measure the real-valued constructions of Giannou et al. 2023 in float16, 32 and 64.

Each is written as weights of the core: softmax attention, ReLU units, residual stream, and no norm,
as in the paper. Three tables: the largest error of each construction against its bound; how wide a
word the adder holds; and how many steps the paper's SUBLEQ stays equal to the reference
interpreter, for each λ, with and without the error correction layer. Takes one minute, on one
thread: the number of threads decides the order of sums, and so the last digit of an error.

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
@page_option("`<!-- errors -->`, `<!-- adder -->`, `<!-- steps -->`")
@_plot
def paper(steps: int, page: Path | None, plot: Path | None) -> None:
    """Measure the constructions of Giannou et al. 2023 in float16, 32 and 64."""
    from looped.engines.torch_threads import on_threads
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
    show = shown_in(page, "errors", "adder", "steps")
    with progress("study paper") as line, on_threads(1):
        errors = []
        for case in cases():
            line.note(case.name)
            errors.append(error_row(case))
        line.clear()
        show("errors", error_table(errors))
        show("adder", adder_table([adder_row(dtype) for dtype in DTYPES]), "\nThe adder:\n\n")
        rows = []
        for machine in MACHINES:
            for dtype in DTYPES:
                line.note(f"SUBLEQ, {machine.name}, {dtype}")
                rows.append(steps_row(machine, dtype, steps))
        line.clear()
        show("steps", steps_table(rows), f"\nSteps of SUBLEQ that are right, of {steps}:\n\n")
        if plot is not None:
            draw(plot, steps, line.note)


_VARIANTS = """Run SUBLEQ on every transformer that hosts it, and print what that costs.

Each row is a run: three programs beside the reference, every lane after every step. The regime is
what the certificate proves. Three tables follow: what memories of fixed size can hold, what a
continuous one keeps, and which window a trace needs. With --train, the last column has the accuracy
on reads that the modules of a system learn (`looped train recall`). --plot draws four curves: how
long a machine stays right at which temperature, with and without snaps; what linear attention and
the ∞-former can hold; the cache of a trace with selective attention; the error of a differential
read.

\b
Examples:
  looped study variants
  looped study variants --steps 1000 --plot variants.svg
  looped study variants --train 300
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
    "--train",
    type=click.IntRange(0),
    default=0,
    metavar="STEPS",
    help="Also train the modules of each system for so many steps, from three seeds.",
)
@page_option("`<!-- variants -->`")
@_plot
def variants(steps: int, train: int, page: Path | None, plot: Path | None) -> None:
    """Run SUBLEQ on every transformer that hosts it, and print what that costs."""
    from looped.engines.torch_threads import on_threads
    from looped.inspect.figure import require_plot
    from looped.learn.recall import learned
    from looped.study.variants.plot import draw
    from looped.study.variants.report import report

    if plot is not None:
        require_plot(plot)
    show = shown_in(page, "variants")
    training = partial(learned, steps=train) if train else None
    with progress("study variants") as line, on_threads(1):
        text = report(steps, training, line.note)
        line.clear()
        show("variants", text)
        if plot is not None:
            draw(plot, steps, line.note)
