"""Partial evaluation: an MLP in columns with some known lanes.

A unit `relu(gate) · up` adds nothing if its gate cannot be positive or its up projection is zero.
If its gate is a positive constant, it is `up` times a constant. If its gate is never negative and
`up` is constant, it is `gate` times a constant. Both are linear, and the linear terms of a lane add
up to one form. All other units are ramps, or products of a ramp and a form.
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
    """The MLP of a block as forms over the unknown lanes.

    To lane `lanes[i]` it adds `linear[i]`, and for each unit u `down[i, u]` times relu(`gate[u]`),
    times `up[u]` if u is one of the first units, which have an up projection. `down` is (lanes,
    units).
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
    """The MLP of a block for the lanes `known` (d_model,): ±1, or 0 if a lane is not known."""
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
    """The sum over some units: down projection times a constant factor times a form.

    It uses doubles because their products are fast. They are exact: all sums are below 2^30
    (`exactness`).
    """
    weights = (down[:, units] * factor[units]).astype(np.float64)
    result: Ints = np.rint(weights @ forms[units].astype(np.float64)).astype(np.int64)
    return result
