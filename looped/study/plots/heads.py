"""The activity of heads over a run: which columns they read and write, loop by loop."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from looped.artefact.plan import Plan
from looped.image import Image
from looped.inspect.figure import FAINT, MARKERS, PALETTE, QUIET, look, require_plot, save
from looped.study.plots.labels import label_left
from looped.study.plots.numbers import labels_of
from looped.study.transfers import Transfer, transfers
from looped.study.watched import WatchedLoop

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Activity", "activity", "draw_heads"]

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
