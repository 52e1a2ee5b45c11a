"""A picture of all weights of one block, with the names of heads, groups and words as axes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from looped.artefact.plan import CompiledMachine
from looped.errors import CompileError
from looped.inspect.figure import FAINT, QUIET, look, require_plot, save
from looped.study.plots.labels import label_below, label_left
from looped.study.plots.matrices import Matrix, Panel, attention_panels, mlp_panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.figure import Figure

__all__ = ["draw_weights"]

_LINE = 0.135
"""Inches per label of a row."""

_LANE = 0.062
"""Inches per lane."""

_ROW, _ROOM = 0.062, 11.0
"""Inches per row, and for all rows of a panel: more rows are thinner."""

_COLOURS = ["#8a3b00", "#e08214", "white", "#4a90c8", "#083d77"]
"""From the smallest number to the largest one, with zero in the middle."""

_CAPTION = (
    "rows: dimensions of heads, then hidden units of MLP groups; "
    "columns: lanes, by the word that they hold"
)

_FAINTEST = 0.35
"""How much of its colour the smallest weight has; white is zero alone."""


def draw_weights(machine: CompiledMachine, block: int, path: Path) -> None:
    """Draw a block, counted from 0, into a .png, .svg or .pdf file.

    Raises FileError if the file cannot be drawn, CompileError if there is no such block.
    """
    require_plot(path)
    plan = machine.plan
    if not 0 <= block < len(plan.blocks):
        most = len(plan.blocks)
        raise CompileError(f"there is no block {block + 1}", hint=f"blocks are 1 to {most}")
    attention, mlp = attention_panels(machine, block), mlp_panels(machine, block)
    layers = [panels for panels in (attention, mlp) if panels]
    largest = [float(np.abs(panel.weights).max()) for panels in layers for panel in panels]
    least = min(
        float(np.abs(panel.weights[panel.weights != 0]).min())
        for panels in layers
        for panel in panels
    )
    with look():
        _draw(layers, (least, max(largest)), _title(machine, block), path)


def _title(machine: CompiledMachine, block: int) -> str:
    plan = machine.plan
    return f"{plan.machine}, {plan.width} bits, {plan.memory} words: block {block + 1}"


def _draw(layers: list[list[Panel]], scale: tuple[float, float], title: str, path: Path) -> None:
    """Place the panels in inches: one layer below the other, its matrices side by side."""
    from matplotlib.figure import Figure

    left, gap, top = 1.6, 0.3, 1.05
    widths = [[max(0.42, _LANE * len(p.lanes)) for p in panels] for panels in layers]
    heights = [_height(panels[0]) for panels in layers]
    margins = [0.7 + 0.075 * _longest(panels) for panels in layers]
    width = left + max(sum(row) + gap * len(row) for row in widths) + 0.2
    height = top + sum(heights) + sum(margins) - 0.3
    figure = Figure(figsize=(width, height))
    figure.text(0.12 / width, 1 - 0.3 / height, title, fontsize=13, fontweight="bold")
    figure.text(0.12 / width, 1 - 0.55 / height, _CAPTION, fontsize=8, color=QUIET)
    y = height - top
    for panels, row, tall, below in zip(layers, widths, heights, margins, strict=True):
        x = left
        for panel, wide in zip(panels, row, strict=True):
            place = (x / width, (y - tall) / height, wide / width, tall / height)
            axes = figure.add_axes(place)
            _draw_panel(axes, panel, scale, (wide, tall))
            if panel is panels[0]:
                centres = [(span.start + span.end) / 2 for span in panel.rows]
                inch = panel.rows[-1].end / tall
                label_left(axes, [span.name for span in panel.rows], centres, inch)
            x += wide + gap
        y -= tall + below
    _draw_scale(figure, scale, (width, height))
    save(figure, path)


def _longest(panels: list[Panel]) -> int:
    return max(len(span.name) for panel in panels for span in panel.words)


def _height(panel: Panel) -> float:
    rows = len(panel.weights)
    return max(min(_ROW * rows, _ROOM), _LINE * len(panel.rows), 0.4)


def _draw_panel(
    axes: Axes, panel: Panel, scale: tuple[float, float], size: tuple[float, float]
) -> None:
    rows, lanes = panel.weights.shape
    shades = _shades(panel.weights, scale)
    axes.imshow(
        shades,
        cmap=_colours(),
        vmin=-1,
        vmax=1,
        aspect="auto",
        interpolation="none",
        extent=(0, lanes, rows, 0),
    )
    for span in panel.rows[1:]:
        axes.axhline(span.start, color=FAINT, linewidth=0.6)
    for span in panel.words[1:]:
        axes.axvline(span.start, color=FAINT, linewidth=0.6)
    axes.set_yticks([])
    axes.set_title(_SUBSCRIPTS[panel.name], fontsize=10, pad=4)
    axes.set_xticks([])
    centres = [(span.start + span.end) / 2 for span in panel.words]
    label_below(axes, [span.name for span in panel.words], centres, lanes / size[0])


_SUBSCRIPTS = {
    name: f"$W_{{\\mathrm{{{name[2:]}}}}}$"
    for name in ("W_Q", "W_K", "W_V", "W_O", "W_gate", "W_up", "W_down")
}


def _shades(weights: Matrix, scale: tuple[float, float]) -> npt.NDArray[np.float64]:
    """Weights as shades from -1 to 1, by the logarithm of their size; zero stays zero."""
    least, most = scale
    size = np.abs(weights)
    range_ = np.log(most / least) or 1.0
    share = np.log(np.where(size > 0, size, least) / least) / range_
    shades: npt.NDArray[np.float64] = np.sign(weights) * (_FAINTEST + (1 - _FAINTEST) * share)
    return shades


def _draw_scale(figure: Figure, scale: tuple[float, float], size: tuple[float, float]) -> None:
    """The colours of weights at the top right: sizes on both sides of zero."""
    wide, tall = min(2.6, size[0] / 2) / size[0], 0.11 / size[1]
    axes = figure.add_axes((1 - wide - 0.25 / size[0], 1 - 0.36 / size[1], wide, tall))
    axes.imshow(np.linspace(-1, 1, 255)[None], cmap=_colours(), aspect="auto", extent=(-1, 1, 0, 1))
    axes.set_yticks([])
    least, most = scale
    ticks = [(-1.0, f"−{most:g}"), (-_FAINTEST, f"−{least:g}"), (0.0, "0")]
    ticks += [(_FAINTEST, f"{least:g}"), (1.0, f"{most:g}")]
    axes.set_xticks([x for x, _ in ticks], [text for _, text in ticks], fontsize=7.5)
    axes.tick_params(length=2, pad=1.5)


def _colours() -> LinearSegmentedColormap:
    """Negative weights orange, positive ones blue, and zero white."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list(
        "weights", ["#8a3b00", "#e08214", "white", "#4a90c8", "#083d77"]
    )
