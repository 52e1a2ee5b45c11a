"""Labels beside an axis that keep a distance from each other, with lines to what they name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from looped.inspect.figure import QUIET

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["label_below", "label_left", "spread"]

_LINE = 0.135
"""Inches between two labels, so that they do not overlap."""

_LEAD = {"arrowstyle": "-", "color": QUIET, "linewidth": 0.5, "shrinkA": 0, "shrinkB": 0}
"""A thin line from a name to its place."""


def label_left(axes: Axes, names: Sequence[str], places: Sequence[float], inch: float) -> None:
    """Names at the left of an axis whose y runs from 0, at ascending places.

    `inch` is the length of an inch in units of y.
    """
    from matplotlib.transforms import offset_copy

    figure = axes.get_figure(root=True)
    beside = offset_copy(axes.get_yaxis_transform(), figure, x=-13, units="points")
    room = (0.0, max(axes.get_ylim()))
    for name, place, y in zip(names, places, spread(places, _LINE * inch, room), strict=True):
        style: dict[str, Any] = {"ha": "right", "va": "center", "fontsize": 8}
        ends: dict[str, Any] = {"xycoords": axes.get_yaxis_transform(), "textcoords": beside}
        axes.annotate(name, (0, place), (0, y), arrowprops=_LEAD, **ends, **style)


def label_below(axes: Axes, names: Sequence[str], places: Sequence[float], inch: float) -> None:
    """Names below an axis whose x runs from 0, at ascending places; see `label_left`."""
    from matplotlib.transforms import offset_copy

    figure = axes.get_figure(root=True)
    below = offset_copy(axes.get_xaxis_transform(), figure, y=-13, units="points")
    room = (0.0, max(axes.get_xlim()))
    for name, place, x in zip(names, places, spread(places, _LINE * inch, room), strict=True):
        style: dict[str, Any] = {"ha": "center", "va": "top", "fontsize": 8, "rotation": 90}
        ends: dict[str, Any] = {"xycoords": axes.get_xaxis_transform(), "textcoords": below}
        axes.annotate(name, (place, 0), (x, 0), arrowprops=_LEAD, **ends, **style)


def spread(places: Sequence[float], distance: float, room: tuple[float, float]) -> list[float]:
    """Ascending places, moved as little as needs be so that neighbours are `distance` apart.

    They stay within `room` if it is large enough for all.
    """
    clusters: list[tuple[float, int]] = []  # the centre of each, and how many places it has
    for place in places:
        centre, count = _within(place, distance / 2, room), 1
        while clusters and centre - clusters[-1][0] < distance * (count + clusters[-1][1]) / 2:
            other, others = clusters.pop()
            centre = (centre * count + other * others) / (count + others)
            count += others
            centre = _within(centre, distance * count / 2, room)
        clusters.append((centre, count))
    return [
        centre + distance * (number - (count - 1) / 2)
        for centre, count in clusters
        for number in range(count)
    ]


def _within(centre: float, half: float, room: tuple[float, float]) -> float:
    return max(room[0] + half, min(centre, room[1] - half))
