"""The picture of the study of variants: four panels, each from a run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from looped.inspect.figure import require_plot, save
from looped.study.variants.curves import (
    cache_entries,
    differential_error,
    lifetime,
)
from looped.study.variants.limits import FUNCTIONS, LOADS, LOSSY

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw"]


def draw(path: Path, most: int, note: Callable[[str], None] = lambda text: None) -> None:
    """Measure, runs of at most `most` steps, and draw. Raises FileError as `require_plot` does."""
    require_plot(path)
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13, 9), layout="constrained")
    for axes, panel in zip(figure.subplots(2, 2).flat, _PANELS, strict=True):
        note(panel.__doc__ or "")
        panel(axes, most)
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8)
    save(figure, path)


def _lifetimes(axes: Axes, most: int) -> None:
    """lifetime against β"""
    soft = [1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 10.0, 12.0, 14.0, 16.0, 17.0, 18.0, 19.0, 20.0]
    for snap, style in ((False, "o-"), (True, "s-")):
        values = [lifetime(beta, snap, most) for beta in soft]
        axes.plot(soft, values, style, label="with snaps" if snap else "without")
    axes.axvline(18.02, color="k", ls=":", label="(p + 2) ln 2")
    axes.set(
        yscale="symlog",
        ylim=(0, None),
        xlabel="β",
        ylabel="steps",
        title=f"steps it stays right, of {most}",
    )


def _capacities(axes: Axes, most: int) -> None:
    """capacity against load"""
    for name, errors in LOSSY:
        wrong = [100 * errors(FUNCTIONS, int(load * FUNCTIONS)) for load in LOADS]
        axes.plot(LOADS, wrong, "o-", label=name)
    axes.set(
        xlabel="words / features", ylabel="wrong bits, %", title=f"capacity of {FUNCTIONS} features"
    )


def _caches(axes: Axes, most: int) -> None:
    """the cache of a trace"""
    found = cache_entries(most)
    axes.plot(found.tokens, found.plain, label="every token stays")
    axes.plot(found.tokens, found.selective, label="selective attention")
    axes.set(xlabel="tokens", ylabel="entries", title="cache of the causal machine")


def _differences(axes: Axes, most: int) -> None:
    """error of a read"""
    margins = [4.0 + k / 2 for k in range(21)]
    for differential in (False, True):
        values = [differential_error(margin, 10, differential) for margin in margins]
        axes.plot(margins, values, label="differential" if differential else "softmax")
    axes.set(yscale="log", xlabel="margin · β", ylabel="error", title="soft read, 10 address bits")


_PANELS = (_lifetimes, _capacities, _caches, _differences)
