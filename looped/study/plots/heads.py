"""The activity of heads over a run: which columns they read and write, loop by loop."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from looped.artefact.plan import Plan
from looped.image import Image
from looped.inspect.figure import FAINT, MARKERS, PALETTE, QUIET, look, require_plot, save
from looped.study.parts import Head, parts
from looped.study.plots.labels import label_left
from looped.study.plots.numbers import labels_of
from looped.study.transfers import Transfer, transfers
from looped.study.watched import WatchedLoop

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Activity", "activity", "draw_heads"]

_CAPTION = (
    "above, the heads, block by block; below, the columns that they read (filled) or write "
    "(hollow); small: the word is zero"
)

_WIDTH, _ROW, _ROOM = 9.6, 0.14, 8.0
"""Inches for all time, for a column, and for all columns together."""


@dataclass(frozen=True, eq=False, slots=True)
class Activity:
    """The transfers of each loop, and the number of the first instruction."""

    plan: Plan
    image: Image
    first: int
    loops: tuple[tuple[Transfer, ...], ...]
    begins: tuple[int, ...]


def activity(image: Image, plan: Plan, loops: Iterable[WatchedLoop]) -> Activity:
    """What the heads do in these loops. `begins` are the loops, from 0, that begin instructions."""
    found, begins, first = [], [], 1
    for number, seen in enumerate(loops):
        if number == 0:
            first = seen.step
        if seen.first:
            begins.append(number)
        found.append(tuple(transfers(seen.cache)))
    return Activity(plan, image, first, tuple(found), tuple(begins))


def draw_heads(seen: Activity, path: Path) -> None:
    """Draw the activity into a .png, .svg or .pdf file. Raises FileError."""
    require_plot(path)
    from matplotlib.figure import Figure

    heads = [part for part in parts(seen.plan) if isinstance(part, Head)]
    used = {t.head for loop in seen.loops for t in loop}
    heads = [head for head in heads if head in used]
    columns = sorted({_place(seen.plan, t) for loop in seen.loops for t in loop})
    strip, tall = 0.21 * len(heads), min(max(_ROW * len(columns), 1.2), _ROOM)
    left, right, top, gap, bottom = 1.75, 0.25, 0.8, 0.22, 0.6
    width, height = left + _WIDTH + right, top + strip + gap + tall + bottom
    with look():
        figure = Figure(figsize=(width, height))
        box = (left / width, (bottom + tall + gap) / height, _WIDTH / width, strip / height)
        upper = figure.add_axes(box)
        lower = figure.add_axes((left / width, bottom / height, _WIDTH / width, tall / height))
        title = f"{seen.image.machine}: what the heads do in {len(seen.loops):,} loops"
        figure.text(0.15 / width, 1 - 0.3 / height, title, fontsize=13, fontweight="bold")
        figure.text(0.15 / width, 1 - 0.53 / height, _CAPTION, fontsize=8, color=QUIET)
        _draw_strip(upper, seen, heads)
        _draw_columns(lower, seen, heads, columns, tall)
        save(figure, path)


def _place(plan: Plan, transfer: Transfer) -> int:
    """The column that is read or written."""
    return transfer.asks if transfer.writes(plan.cpus) else transfer.answers


def _draw_strip(axes: Axes, seen: Activity, heads: list[Head]) -> None:
    """A row for each head: its mark where it moves a word, a small one if the word is zero."""
    for row in range(len(heads)):
        _draw_marks(axes, seen, heads, row, lambda transfer: heads.index(transfer.head) + 0.5)
    axes.set(ylim=(len(heads), 0), xlim=(0.3, len(seen.loops) + 0.7))
    names = [head.name for head in heads]
    axes.set_yticks([row + 0.5 for row in range(len(heads))], names)
    axes.set_xticks([])
    axes.tick_params(axis="y", length=0)
    for row in range(1, len(heads)):
        between = heads[row].block != heads[row - 1].block
        axes.axhline(row, color=QUIET if between else FAINT, linewidth=0.7 if between else 0.4)
    for spine in ("top", "right", "bottom", "left"):
        axes.spines[spine].set_visible(False)


def _draw_columns(
    axes: Axes, seen: Activity, heads: list[Head], columns: list[int], tall: float
) -> None:
    """A row for each column, with the marks of the heads that read or write it."""
    rows = {column: row for row, column in enumerate(columns)}
    for number in range(len(heads)):
        _draw_marks(axes, seen, heads, number, lambda t: rows[_place(seen.plan, t)] + 0.5)
    axes.set(ylim=(len(columns), 0), xlim=(0.3, len(seen.loops) + 0.7))
    labels = labels_of(seen.image, seen.plan)
    names = [labels.get(c) or seen.plan.column_name(c) for c in columns]
    every = len(columns) * _ROW <= _ROOM
    named = [(row, n) for row, n in enumerate(names) if every or columns[row] in labels]
    axes.set_yticks([])
    label_left(axes, [n for _, n in named], [row + 0.5 for row, _ in named], len(columns) / tall)
    axes.set_xlabel("loop")
    for row in range(1, len(columns)):
        axes.axhline(row, color=FAINT, linewidth=0.3, zorder=0)
    for row, (above, below) in enumerate(pairwise(columns), start=1):
        if below != above + 1:
            axes.axhline(row, color=QUIET, linewidth=0.7, zorder=0)


def _draw_marks(
    axes: Axes,
    seen: Activity,
    heads: list[Head],
    number: int,
    place: Callable[[Transfer], float],
) -> None:
    """The marks of one head: filled for a read, hollow for a write, small for a zero."""
    colour, marker = PALETTE[number % len(PALETTE)], MARKERS[number % len(MARKERS)]
    own = [(x, t) for x, loop in enumerate(seen.loops) for t in loop if t.head == heads[number]]
    if own:
        axes.scatter(
            [x + 1 for x, _ in own],
            [place(t) for _, t in own],
            s=[_size(seen.plan, t) for _, t in own],
            marker=marker,
            facecolors=["none" if t.writes(seen.plan.cpus) else colour for _, t in own],
            edgecolors=colour,
            linewidths=1.1,
            zorder=3,
        )


def _size(plan: Plan, transfer: Transfer) -> float:
    """The area of a mark: that of a write surrounds the one of a read, that of a zero is small."""
    if not transfer.carries:
        return 4
    return 34 if transfer.writes(plan.cpus) else 17
