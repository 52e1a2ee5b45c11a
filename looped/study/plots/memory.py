"""Memory over time as an image: a row for each word that a run changes, colours for its values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from looped.artefact.plan import Plan
from looped.errors import FileError
from looped.image import Image
from looped.inspect.figure import INK, QUIET, look, require_plot, save
from looped.number_format import NumberFormat, WordKind
from looped.study.plots.labels import label_left
from looped.study.plots.numbers import labels_of, memory_format
from looped.traces.record import Record

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["History", "draw_memory", "history"]

_MOST = 1500
"""So many moments at most: a picture has no more columns of pixels."""

_LETTER = 0.08
"""Inches that a letter takes."""

_ROW, _ROOM, _WIDTH = 0.16, 8.0, 9.0
"""Inches for a word, for all words together, and for all time."""


@dataclass(frozen=True, eq=False, slots=True)
class History:
    """The words of memory and registers, (columns, moments), as numbers of their format.

    `steps` are the numbers of the instructions after which the moments are; the first one, 0, is
    before the program begins. `output` is what the program has written, each with its step.
    """

    plan: Plan
    image: Image
    values: npt.NDArray[np.float64]
    steps: tuple[int, ...]
    output: tuple[tuple[int, str], ...]

    @property
    def changing(self) -> list[int]:
        """The columns whose word changes."""
        return np.flatnonzero((self.values != self.values[:, :1]).any(axis=1)).tolist()


def history(plan: Plan, image: Image, records: Iterable[Record]) -> History:
    """All words after each instruction; of a long run, after every second one, every fourth, …"""
    size = plan.memory
    form = NumberFormat(WordKind.SIGNED, memory_format(plan).fraction_bits)
    now = np.zeros(plan.cpu)
    for column, word in enumerate(image.words):
        now[column] = float(form.number(word, plan.width))
    moments, steps, output, stride = [now.copy()], [0], [], 1
    for record in records:
        for write in record.writes:
            now[image.index(write.address) % size] = float(form.number(write.new, plan.width))
        for change in record.registers:
            now[size + change.register] = float(form.number(change.new, plan.width))
        if record.output:
            output.append((record.step, record.output))
        if record.step % stride == 0:
            moments.append(now.copy())
            steps.append(record.step)
        if len(moments) == _MOST:
            moments, steps, stride = moments[::2], steps[::2], 2 * stride
    return History(plan, image, np.array(moments).T, tuple(steps), tuple(output))


def draw_memory(seen: History, path: Path) -> None:
    """Draw a history into a .png, .svg or .pdf file.

    Raises FileError if the file cannot be drawn, or if no word changes.
    """
    require_plot(path)
    from matplotlib.figure import Figure

    rows = seen.changing
    if not rows:
        raise FileError("there is nothing to draw: no word of memory changes in these steps")
    tall = min(max(_ROW * len(rows), 1.2), _ROOM)
    left, right, top, bottom = 1.7, 1.15, 0.95, 0.6
    width, height = left + _WIDTH + right, top + tall + bottom
    with look():
        figure = Figure(figsize=(width, height))
        place = (left / width, bottom / height, _WIDTH / width, tall / height)
        axes = figure.add_axes(place)
        title = f"{seen.image.machine}: memory over {seen.steps[-1]:,} instructions"
        figure.text(0.15 / width, 1 - 0.3 / height, title, fontsize=13, fontweight="bold")
        caption = f"the {len(rows)} of {seen.plan.cpu:,} words that change; above: what is written"
        figure.text(0.15 / width, 1 - 0.53 / height, caption, fontsize=8, color=QUIET)
        _draw(axes, seen, rows)
        places, names = _names(seen, rows)
        label_left(axes, names, places, len(rows) / tall)
        _draw_output(axes, seen)
        _draw_scale(figure, axes, (width, height), (place[0] + place[2], place[1]), tall)
        save(figure, path)


def _draw(axes: Axes, seen: History, rows: list[int]) -> None:
    """The image itself; the colour of a number follows the logarithm of its size."""
    from matplotlib.colors import LinearSegmentedColormap, SymLogNorm

    values = seen.values[rows]
    sizes = np.abs(values[values != 0])
    least, most = (float(sizes.min()), float(sizes.max())) if len(sizes) else (1.0, 1.0)
    colours = ["#5a2300", "#d55e00", "#f7c59f", "white", "#a9d3ee", "#0072b2", "#00263d"]
    axes.imshow(
        values,
        cmap=LinearSegmentedColormap.from_list("numbers", colours),
        norm=SymLogNorm(least, vmin=-most, vmax=most),
        aspect="auto",
        interpolation="none",
        extent=(-0.5, seen.steps[-1] + 0.5, len(rows), 0),
    )
    axes.set_yticks([])
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.set_xlabel("instruction")


def _names(seen: History, rows: list[int]) -> tuple[list[float], list[str]]:
    """The labels of words with the rows at which they begin; registers have their own names."""
    labels = labels_of(seen.image, seen.plan)
    places, names = [], []
    every = len(rows) * _ROW <= _ROOM
    for row, column in enumerate(rows):
        own = labels.get(column)
        if own is None and (every or column >= seen.plan.memory):
            own = seen.plan.column_name(column)
        if own is not None:
            places.append(row + 0.5)
            names.append(own)
    return places, names


def _draw_output(axes: Axes, seen: History) -> None:
    """The words that the program writes, above the image, where they begin and have room."""
    letter, end = _LETTER * (seen.steps[-1] + 1) / _WIDTH, -1.0
    above = axes.get_xaxis_transform()
    place: dict[str, Any] = {"xycoords": above, "textcoords": "offset points"}
    for step, word in _words(seen.output):
        if step > end and step + letter * len(word) < seen.steps[-1]:
            axes.annotate(word, (step, 1), (0, 3), fontsize=8, va="bottom", **place)
            end = step + letter * (len(word) + 1)


def _words(output: Iterable[tuple[int, str]]) -> list[tuple[int, str]]:
    """Output as words, each with the instruction that writes its first letter."""
    words: list[tuple[int, str]] = []
    begun = False
    for step, text in output:
        for letter in text:
            if letter.isspace():
                begun = False
            elif begun:
                words[-1] = (words[-1][0], words[-1][1] + letter)
            else:
                words.append((step, letter))
                begun = True
    return words


def _draw_scale(
    figure: Figure, axes: Axes, size: tuple[float, float], corner: tuple[float, float], tall: float
) -> None:
    place = (corner[0] + 0.2 / size[0], corner[1], 0.13 / size[0], min(tall, 2.4) / size[1])
    bar = figure.colorbar(axes.images[0], cax=figure.add_axes(place))
    bar.outline.set_edgecolor(QUIET)
    bar.ax.tick_params(length=2, labelsize=7.5)
    bar.ax.set_title("value", fontsize=8, color=INK, fontweight="normal")
