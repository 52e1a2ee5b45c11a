"""Partial evaluation: an MLP for columns of which some lanes are known.

Every lane is ±1, so a form `w · x + c` lies between c - Σ|w| and c + Σ|w| (interval arithmetic,
Moore 1966). A unit `relu(gate) · up` whose gate cannot be positive, or whose up projection is zero,
adds nothing; one whose gate is a positive constant is `up` times a constant, and one whose gate is
never negative under a constant `up` is `gate` times a constant: both are linear, and linear terms
that go to the same lane are one form. What is left are products of a ramp and a form, and ramps.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from looped.analysis.model import Block, Ints

__all__ = ["Form", "Reduced", "columns_by_class", "reduce_mlp"]

_MOST_CLASSES = 8


class Form(NamedTuple):
    """Forms over lanes: `matrix` (forms, d_model) and `constant` (forms,)."""

    matrix: Ints
    constant: Ints


class Reduced(NamedTuple):
    """The MLP of a block for a class of columns.

    To place `lanes[i]` it adds `linear[i]` and the sum over units u of `down[i, u]` (lanes, units)
    times relu(`gate[u]`), times `up[u]` for those units, the first ones, that have one.
    """

    gate: Form
    up: Form
    linear: Form
    down: Ints
    lanes: Ints


def columns_by_class(
    block: Block, static: npt.NDArray[np.bool_], x: npt.NDArray[np.int8]
) -> tuple[tuple[tuple[int, ...], ...], Ints]:
    """The classes of columns with equal static lanes, as far as the MLP reads them.

    Returns for each class its known lanes (d_model,), 0 where a lane is not known, and for each
    column of `x` its class. If there are many classes they are one, of which nothing is known.
    """
    known = static & (block.gate.any(axis=0) | block.up.any(axis=0))
    values, member = np.unique(x[:, known], axis=0, return_inverse=True)
    if len(values) > _MOST_CLASSES:
        return (tuple([0] * x.shape[1]),), np.zeros(len(x), np.int64)
    classes = np.zeros((len(values), x.shape[1]), np.int64)
    classes[:, known] = values
    return tuple(tuple(row) for row in classes.tolist()), member.reshape(-1).astype(np.int64)


def reduce_mlp(block: Block, known: Ints) -> Reduced:
    """The MLP of a block where the lanes `known` (d_model,) are as given, 0: not known."""
    free = known == 0
    gate, gate_constant = block.gate * free, block.gate @ known
    up, up_constant = block.up * free, block.up @ known
    reach, varies = np.abs(gate).sum(axis=1), up.any(axis=1)
    live = (gate_constant + reach > 0) & (varies | (up_constant != 0))
    open_ = live & (reach == 0)
    rising = live & ~open_ & ~varies & (gate_constant - reach >= 0)
    linear = Form(
        _through(block.down, gate_constant, up, open_)
        + _through(block.down, up_constant, gate, rising),
        block.down @ (gate_constant * up_constant * (open_ | rising)),
    )
    gated = live & ~open_ & ~rising
    units = _in_order(gate, np.flatnonzero(gated & varies), np.flatnonzero(gated & ~varies))
    down = block.down[:, units] * np.where(varies[units], 1, up_constant[units])
    lanes = np.flatnonzero(linear.matrix.any(axis=1) | (linear.constant != 0) | down.any(axis=1))
    products = int((gated & varies).sum())
    return Reduced(
        gate=Form(gate[units], gate_constant[units]),
        up=Form(up[units[:products]], up_constant[units[:products]]),
        linear=Form(linear.matrix[lanes], linear.constant[lanes]),
        down=down[lanes],
        lanes=lanes,
    )


def _through(down: Ints, factor: Ints, forms: Ints, units: npt.NDArray[np.bool_]) -> Ints:
    """What some units add to lanes, each a constant factor times its form."""
    return (down[:, units] * factor[units]) @ forms[units]


def _in_order(gate: Ints, *kinds: Ints) -> Ints:
    """Units of each kind by the first and the last lane that they read: neighbours read alike."""
    sorted_kinds = []
    for units in kinds:
        reads = gate[units] != 0
        first = reads.argmax(axis=1)
        last = reads.shape[1] - reads[:, ::-1].argmax(axis=1)
        sorted_kinds.append(units[np.lexsort([last, first])])
    return np.concatenate(sorted_kinds)
