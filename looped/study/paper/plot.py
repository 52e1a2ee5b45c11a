"""A picture of what the constructions do: errors against λ, c and m, and steps of SUBLEQ."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from looped.inspect.figure import require_plot, save
from looped.study.paper.layers import DTYPES
from looped.study.paper.memory import leak_bound, read_error
from looped.study.paper.product import LINEAR, RICHARDSON, SINH, error_at, matrices
from looped.study.paper.sigmoids import MENU, errors, relu_error, smooth, staircase
from looped.study.paper.table import MACHINES, TEMPERATURES, steps

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw"]

_COLOURS = {"float16": "#e45756", "float32": "#4c78a8", "float64": "#54a24b"}
_SIZES = (8, 16, 32, 64, 128, 256)


def draw(path: Path, limit: int, note: Callable[[str], None] = lambda text: None) -> None:
    """Measure, and draw four panels into a file. Raises FileError as `require_plot` does."""
    require_plot(path)
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13, 9), layout="constrained")
    for axes, panel in zip(figure.subplots(2, 2).flat, _PANELS, strict=True):
        note(panel.__doc__ or "")
        panel(axes, limit)
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8)
    save(figure, path)


def _draw_read(axes: Axes, limit: int) -> None:
    """the read against λ"""
    temperatures = [float(k) for k in range(1, 21)]
    for dtype, size in zip(DTYPES, (10, 7, 4), strict=True):
        values = [read_error(32, t, dtype) or math.nan for t in temperatures]
        axes.plot(temperatures, values, "o", color=_COLOURS[dtype], label=dtype, markersize=size)
    axes.plot(temperatures, [leak_bound(t, 5) for t in temperatures], "k--", label="2q")
    axes.set(yscale="log", xlabel="λ", ylabel="largest error", title="read, n = 32 (gaps: exact)")


def _draw_product(axes: Axes, limit: int) -> None:
    """the product against c"""
    d = 8
    for dtype in ("float32", "float64"):
        pairs = matrices(d, 5, 0, dtype)
        for heads, style in ((LINEAR, "-"), (SINH, "--"), (RICHARDSON, ":")):
            slopes = [2.0**-k for k in range(0, 30, 2)]
            values = [error_at(pairs, heads, c, dtype) for c in slopes]
            label = f"{dtype}, {len(heads)} head{'s' * (len(heads) > 1)}"
            axes.plot(slopes, values, style, color=_COLOURS[dtype], label=label)
    axes.set(xscale="log", yscale="log", xlabel="c", ylabel="largest error", title="product, d = 8")


def _draw_sigmoids(axes: Axes, limit: int) -> None:
    """the sine against m"""
    sine = MENU[1]
    for dtype in ("float16", "float64"):
        for fit, style in ((staircase, "-"), (smooth, "--")):
            sizes = [m for m in _SIZES if m > 32 or fit is staircase]
            values = [errors([sine], fit, m, dtype)[0] for m in sizes]
            label = f"{dtype}, {fit.__name__}"
            axes.plot(sizes, values, style, color=_COLOURS[dtype], label=label)
        values = [relu_error(sine, m, dtype) for m in _SIZES]
        axes.plot(_SIZES, values, ":", color=_COLOURS[dtype], label=f"{dtype}, ReLU")
    axes.set(xscale="log", yscale="log", xlabel="m", ylabel="largest error", title="sin x")


def _draw_steps(axes: Axes, limit: int) -> None:
    """the steps of SUBLEQ against λ"""
    for machine, style in zip(MACHINES, ("o-", "s--", "^:"), strict=True):
        for dtype in ("float32", "float64"):
            values = [steps(machine, t, dtype, limit) for t in TEMPERATURES]
            label = f"{machine.name}, {dtype}"
            axes.plot(TEMPERATURES, values, style, color=_COLOURS[dtype], label=label)
    title = f"SUBLEQ, n = 32, N = 8: steps it stays right, of {limit}"
    axes.set(yscale="symlog", xlabel="λ", ylabel="steps", title=title)


_PANELS = (_draw_read, _draw_product, _draw_sigmoids, _draw_steps)
