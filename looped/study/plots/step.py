"""A diagram of one loop: columns as lines from top to bottom, heads as arcs, MLP groups as lists.

Time runs down. An arc runs from the column that answers to the column that asks: a head that reads
ends at the CPU, one that writes begins there.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from looped.inspect.figure import FAINT, INK, PALETTE, QUIET, look, require_plot, save
from looped.study.plots.scene import Act, Column, Made, Moved, Scene

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_step"]

_APART = 1.35
"""Inches between two columns: room for the text of an arc."""

_ARC, _LINE, _PAD = 0.58, 0.2, 0.22
"""Inches for an arc, for a line of text, and between the parts of a block."""

_BOX = (0.98, 0.36)
"""Width and height of the box of a column, in inches."""

_LIST = 3.1
"""Width of the list of MLP groups, in inches."""

_CHANGED = "#fde8c8"


def draw_step(scene: Scene, path: Path) -> None:
    """Draw a loop into a .png, .svg or .pdf file. Raises FileError."""
    require_plot(path)
    from matplotlib.figure import Figure

    heights = [_height(act) for act in scene.acts]
    width = 0.95 + _APART * len(scene.columns) + _LIST
    height = 1.45 + sum(heights) + 1.0
    with look():
        figure = Figure(figsize=(width, height))
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(0, width), ylim=(height, 0))
        axes.axis("off")
        _draw(axes, scene, heights, height)
        save(figure, path)


def _height(act: Act) -> float:
    lines = len(act.made) + (act.zeros > 0)
    return _ARC * len(act.moved) + _LINE * max(1, lines) + 3 * _PAD


def _draw(axes: Axes, scene: Scene, heights: list[float], height: float) -> None:
    axes.text(0.25, 0.33, scene.title, fontsize=13, fontweight="bold", va="center")
    places = {c.number: 0.95 + _APART * (i + 0.5) for i, c in enumerate(scene.columns)}
    top, bottom = 1.15, height - 0.6
    for column in scene.columns:
        x = places[column.number]
        axes.plot([x, x], [top, bottom], color=FAINT, linewidth=1.2, zorder=1)
        _name(axes, column, x, top)
        changed, kind = column.before != column.after, "pc " if column.number in scene.cpus else ""
        _box(axes, x, top, kind + column.before, "white")
        fill = _CHANGED if changed else "white"
        _box(axes, x, bottom, kind + column.after, fill, bold=changed)
    axes.text(0.25, top, "before", fontsize=8, color=QUIET, va="center")
    axes.text(0.25, bottom, "after", fontsize=8, color=QUIET, va="center")
    y, cpu = top + _BOX[1] / 2 + 0.12, places[scene.columns[-1].number]
    for number, (act, tall) in enumerate(zip(scene.acts, heights, strict=True), start=1):
        if number % 2:
            axes.axhspan(y, y + tall, color="#f6f7f9", zorder=0)
        axes.text(0.25, y + 0.2, f"block {number}", fontsize=10, fontweight="bold", va="center")
        _block(axes, act, y + _PAD, places, cpu)
        y += tall


def _name(axes: Axes, column: Column, x: float, y: float) -> None:
    """The name of a column above its box, and below it the label that the program gives it."""
    axes.text(x, y - 0.28, column.name, ha="center", va="bottom", fontsize=8.5)
    if column.label:
        label: dict[str, Any] = {"ha": "center", "va": "bottom", "fontsize": 8}
        axes.text(x, y - 0.44, column.label, fontweight="bold", **label)


def _box(axes: Axes, x: float, y: float, text: str, fill: str, bold: bool = False) -> None:
    from matplotlib.patches import FancyBboxPatch

    wide, tall = _BOX
    corner = (x - wide / 2, y - tall / 2)
    style = "round,pad=0,rounding_size=0.06"
    axes.add_patch(
        FancyBboxPatch(corner, wide, tall, style, facecolor=fill, edgecolor=QUIET, linewidth=0.8)
    )
    weight = "bold" if bold else "normal"
    axes.text(x, y, text, ha="center", va="center", fontsize=9.5, fontweight=weight, zorder=4)


def _block(axes: Axes, act: Act, y: float, places: dict[int, float], cpu: float) -> None:
    for number, moved in enumerate(act.moved):
        at = y + _ARC * (number + 0.6)
        _arc(axes, moved, at, places, PALETTE[number % len(PALETTE)])
        scores = f"score {moved.transfer.score:g}, margin {moved.transfer.margin:g}"
        axes.text(cpu + 0.2, at, scores, fontsize=8, color=QUIET, va="center")
    y += _ARC * len(act.moved) + _PAD
    lines = [*act.made]
    tall = _LINE * max(1, len(lines) + (act.zeros > 0)) + 0.08
    axes.plot([cpu, cpu], [y, y + tall], color=INK, linewidth=5, solid_capstyle="butt", zorder=3)
    for number, made in enumerate(lines):
        _made(axes, made, cpu + 0.2, y + _LINE * (number + 0.5) + 0.04)
    if act.zeros:
        words = "one word that is" if act.zeros == 1 else f"{act.zeros} words that are"
        more = f"{'and ' if lines else ''}{words} zero"
        at = y + _LINE * (len(lines) + 0.5) + 0.04
        axes.text(cpu + 0.2, at, more, fontsize=8, color=QUIET, va="center")


def _arc(axes: Axes, moved: Moved, y: float, places: dict[int, float], colour: str) -> None:
    """An arrow, and above it the name of the head and the word that it moves."""
    transfer = moved.transfer
    begin, end = places[transfer.answers], places[transfer.asks]
    style = {"linestyle": "-" if transfer.carries else ":", "linewidth": 1.6, "color": colour}
    bend = 0.07 if end > begin else -0.07
    arrow = {"arrowstyle": "-|>", "mutation_scale": 13, "connectionstyle": f"arc3,rad={bend}"}
    axes.annotate("", (end, y), (begin, y), arrowprops={**arrow, **style, "shrinkA": 0}, zorder=3)
    axes.plot([begin], [y], "o", color=colour, markersize=4.5, zorder=4)
    text = f"{transfer.head.name} = {moved.word}"
    bold: dict[str, Any] = {"fontsize": 9, "fontweight": "bold", "ha": "right", "va": "bottom"}
    axes.text(max(begin, end) - 0.16, y - 0.1, text, color=colour, zorder=5, **bold)


def _made(axes: Axes, made: Made, x: float, y: float) -> None:
    axes.text(x, y, made.name, fontsize=9, va="center")
    axes.text(x + 1.75, y, made.word, fontsize=9, fontweight="bold", ha="right", va="center")
    if made.units:
        units = f"{made.fired} of {made.units} units"
        axes.text(x + 1.9, y, units, fontsize=8, color=QUIET, va="center")
