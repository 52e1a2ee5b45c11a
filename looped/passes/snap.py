"""snap: the weights of the MLPs that set lanes near ±1 to exactly ±1, added to a machine."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from looped.artefact.architecture import SNAP_UNITS
from looped.artefact.plan import CompiledMachine, Plan
from looped.artefact.stored_weights import StoredWeights

__all__ = ["snap_weights", "with_snap"]

Matrix = npt.NDArray[np.float32]


def with_snap(machine: CompiledMachine) -> CompiledMachine:
    """The machine with a snap before each sub-layer, of all lanes that some weight may write."""
    plan = replace(machine.plan, variant=replace(machine.plan.architecture, snap=True))
    own = snap_weights(plan)
    weights = dict(machine.arrays)
    for block in range(len(plan.blocks)):
        weights |= {f"layers.{block}.snap.{name}.weight": matrix for name, matrix in own.items()}
    return CompiledMachine(plan, StoredWeights(None, lambda: weights))


def snap_weights(plan: Plan) -> dict[str, Matrix]:
    """The matrices of a snap: to each lane x it adds x - relu(2x - 1) + relu(-2x - 1)."""
    (one,), lanes = plan.words["one"], np.array(plan.snapped, np.intp)
    units = SNAP_UNITS * len(lanes)
    gate, up = (np.zeros((units, plan.d_model), np.float32) for _ in range(2))
    down = np.zeros((plan.d_model, units), np.float32)
    double, above, below = (np.arange(first, units, SNAP_UNITS) for first in range(SNAP_UNITS))
    gate[double, one], up[double, lanes], down[lanes, double] = 1, 1, 1
    gate[above, lanes], gate[above, one], down[lanes, above] = 2, -1, -1
    gate[below, lanes], gate[below, one], down[lanes, below] = -2, -1, 1
    up[above, one] = up[below, one] = 1
    return {"gate_proj": gate, "up_proj": up, "down_proj": down}
