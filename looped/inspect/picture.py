"""A picture of the weights: which lanes the heads and MLP groups of each block read and write."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from torch import Tensor

from looped.analysis import block_weights
from looped.artefact.plan import CompiledMachine, Plan
from looped.inspect.figure import require_plot, save

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw"]

_W_Q, _W_K, _READS, _WRITES = "W_Q", "W_K", "W_V, W_gate, W_up", "W_O, W_down"
_COLOURS = {_W_Q: "#4c78a8", _W_K: "#72b7b2", _READS: "#54a24b", _WRITES: "#e45756"}


@dataclass(frozen=True, slots=True)
class _Row:
    """One line of the picture: a head or an MLP group, and the lanes in which its matrices have
    weights other than zero."""

    label: str
    lanes: dict[str, list[int]]


def draw(machine: CompiledMachine, path: Path) -> None:
    """Draw a machine's weights into a .png, .svg or .pdf file. Raises FileError.

    A cell is coloured if a weight is not zero. Only names and unit numbers come from the plan.
    """
    require_plot(path)
    from matplotlib.figure import Figure

    blocks = [list(_rows(machine, block)) for block in range(len(machine.plan.blocks))]
    heights = [len(rows) for rows in blocks]
    figure = Figure(figsize=(15, 1.2 + 0.27 * sum(heights)), layout="constrained")
    axes = figure.subplots(len(blocks), 1, sharex=True, height_ratios=heights, squeeze=False)
    for number, (axis, rows) in enumerate(zip(axes[:, 0], blocks, strict=True), start=1):
        _draw_block(axis, rows, machine.plan, f"block {number}")
    _label_lanes(axes[-1, 0], machine.plan)
    _legend(axes[0, 0])
    save(figure, path)


def _rows(machine: CompiledMachine, block: int) -> Iterator[_Row]:
    plan = machine.plan
    weights = block_weights(machine.weights, block, plan.d_head)
    for head, own in zip(plan.blocks[block].heads, weights.heads, strict=False):
        lanes = {_W_Q: _columns(own.w_q), _W_K: _columns(own.w_k)}
        lanes |= {_READS: _columns(own.w_v), _WRITES: _columns(own.w_o.T)}
        yield _Row(f"head: {head.name}", lanes)
    for group in plan.blocks[block].groups:
        units = list(group.units)
        reads = {*_columns(weights.w_gate[units]), *_columns(weights.w_up[units])}
        writes = _columns(weights.w_down[:, units].T)
        yield _Row(f"MLP: {group.name}", {_READS: sorted(reads), _WRITES: writes})


def _columns(matrix: Tensor) -> list[int]:
    """The columns of a matrix in which some weight is not zero."""
    return [int(i) for i in matrix.count_nonzero(dim=0).nonzero().flatten()]


def _draw_block(axis: Axes, rows: list[_Row], plan: Plan, title: str) -> None:
    for y, row in enumerate(rows):
        for number, (kind, lanes) in enumerate(row.lanes.items()):
            height = 0.8 / len(row.lanes)
            bottom = y - 0.4 + number * height
            spans = [(lane - 0.5, 1.0) for lane in lanes]
            axis.broken_barh(spans, (bottom, height), facecolors=_COLOURS[kind])
    axis.set_yticks(range(len(rows)), [row.label for row in rows], fontsize=8)
    axis.set_ylim(len(rows) - 0.5, -0.5)
    axis.set_xlim(-0.5, plan.d_model - 0.5)
    axis.set_ylabel(title, fontsize=10, fontweight="bold")
    for boundary, _ in _lane_groups(plan):
        axis.axvline(boundary - 0.5, color="#cccccc", linewidth=0.5, zorder=0)
    axis.spines[["top", "right"]].set_visible(False)


def _lane_groups(plan: Plan) -> list[tuple[int, str]]:
    """Runs of lanes that hold the same words: the first lane and a label."""
    words = [tuple(dict.fromkeys(each.word for each in held)) for held in plan.occupants]
    groups = []
    for names, run in groupby(enumerate(words), key=lambda item: item[1]):
        groups.append((next(run)[0], " / ".join(names)))
    return groups


def _label_lanes(axis: Axes, plan: Plan) -> None:
    starts, labels = zip(*_lane_groups(plan), strict=True)
    ends = [*starts[1:], len(plan.occupants)]
    centres = [(start + end - 1) / 2 for start, end in zip(starts, ends, strict=True)]
    axis.set_xticks(centres, labels, rotation=90, fontsize=7)


def _legend(axis: Axes) -> None:
    from matplotlib.patches import Patch

    patches = [Patch(color=colour, label=kind) for kind, colour in _COLOURS.items()]
    axis.legend(handles=patches, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=4)
