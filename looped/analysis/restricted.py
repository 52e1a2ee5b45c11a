"""Partial evaluation: an MLP in columns of which some lanes are known.

A unit `relu(gate) · up` whose gate cannot be positive, or whose up projection is zero, adds
nothing. If its gate is a positive constant it is `up` times a constant; if its gate is never
negative and `up` is constant it is `gate` times a constant. Both are linear, and linear terms of
one lane are one form. What is left are products of a ramp and a form, and ramps.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from looped.analysis.forms import Form, Known, restricted_to
from looped.analysis.grid import Ints
from looped.analysis.model import Block

__all__ = ["RestrictedMlp", "restrict_mlp"]


@dataclass(frozen=True, slots=True)
class RestrictedMlp:
    """The MLP of a block where some lanes are known, over those that are not.

    To lane `lanes[i]` it adds `linear[i]` and the sum over units u of `down[i, u]` (lanes, units)
    times relu(`gate[u]`), times `up[u]` for those units, the first ones, that have one.
    """

    gate: Form
    up: Form
    linear: Form
    down: Ints
    lanes: Ints

    @property
    def products(self) -> int:
        """The number of units with an up projection that is not constant."""
        return len(self.up.matrix)


def restrict_mlp(block: Block, known: Known) -> RestrictedMlp:
    """The MLP of a block where the lanes `known` (d_model,) are as given, 0: not known."""
    gate, up = restricted_to(block.gate, known), restricted_to(block.up, known)
    constant_gate, varies = gate.reach == 0, np.asarray(up.matrix.any(axis=1))
    live = (gate.high > 0) & (varies | (up.constant != 0))
    scaled_up = live & constant_gate
    scaled_gate = live & ~constant_gate & ~varies & (gate.low >= 0)
    linear = Form(
        _through(block.down, gate.constant, up.matrix, scaled_up)
        + _through(block.down, up.constant, gate.matrix, scaled_gate),
        block.down @ (gate.constant * up.constant * (scaled_up | scaled_gate)),
    )
    ramps = live & ~scaled_up & ~scaled_gate
    units = np.concatenate([np.flatnonzero(ramps & varies), np.flatnonzero(ramps & ~varies)])
    down = block.down[:, units] * np.where(varies[units], 1, up.constant[units])
    lanes = np.flatnonzero(linear.matrix.any(axis=1) | (linear.constant != 0) | down.any(axis=1))
    products = units[: int((ramps & varies).sum())]
    return RestrictedMlp(
        gate=Form(gate.matrix[units], gate.constant[units]),
        up=Form(up.matrix[products], up.constant[products]),
        linear=Form(linear.matrix[lanes], linear.constant[lanes]),
        down=down[lanes],
        lanes=lanes,
    )


def _through(down: Ints, factor: Ints, forms: Ints, units: npt.NDArray[np.bool_]) -> Ints:
    """What some units add to lanes, each a constant factor times its form.

    Doubles are exact here, and their products fast: all sums are below 2^30 (`exactness`).
    """
    weights = (down[:, units] * factor[units]).astype(np.float64)
    result: Ints = np.rint(weights @ forms[units].astype(np.float64)).astype(np.int64)
    return result
