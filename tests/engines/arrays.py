"""The engine `array`, with a dense engine that takes every dtype."""

from __future__ import annotations

from looped.analysis import Model, analyse
from looped.artefact.plan import CompiledMachine
from looped.engines.array import ArrayEngine
from looped.engines.dense import DenseEngine
from looped.precision import precision


def array(machine: CompiledMachine, dtype: str = "float32") -> ArrayEngine:
    """The engine for a machine."""
    model, dense = model_of(machine, dtype), DenseEngine(machine, dtype, uncertified=True)
    return ArrayEngine(lambda: model, dense, machine.plan.memory)


def model_of(machine: CompiledMachine, dtype: str = "float32") -> Model:
    """The weights as integers."""
    plan = machine.plan
    return analyse(machine.arrays, len(plan.blocks), plan.d_head, precision(dtype))
