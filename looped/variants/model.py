"""model_of: the transformer of a machine in the architecture that its plan names."""

from __future__ import annotations

from typing import cast

import torch

from looped.artefact.architecture import CODED
from looped.artefact.hosting import check_hosting
from looped.artefact.plan import CompiledMachine, Plan
from looped.nn import Attention, Block, LoopedTransformer, Transformer
from looped.variants.coded import coded
from looped.variants.graph import with_graphs
from looped.variants.mixers import MIXERS, Mixer
from looped.variants.norms import NORMS
from looped.variants.stacks import STACKS

__all__ = ["model_of"]


@torch.no_grad()
def model_of(machine: CompiledMachine) -> LoopedTransformer:
    """A looped transformer, float32, on the CPU.

    The weights of another mixer or norm are derived from the core's: the variant is asked to
    compute the same, in its own way. Raises CompileError if it cannot.
    """
    architecture = machine.plan.architecture
    check_hosting(machine.plan)
    core = machine.core().transformer
    if architecture.norm != "rmsnorm":
        core = NORMS[architecture.norm](core)
    if architecture.positions in CODED:
        core = _mixed(core, machine.plan, coded)
    if machine.plan.graphs:
        core = with_graphs(core, machine.plan)
    if architecture.attention != "softmax":
        core = _mixed(core, machine.plan, MIXERS[architecture.attention])
    return STACKS[architecture.stack](core, machine.plan).requires_grad_(False).eval()


def _mixed(core: Transformer, plan: Plan, make: Mixer) -> Transformer:
    """The same blocks with another mixer."""
    for number, layer in enumerate(core.layers):
        block = cast(Block, layer)
        block.self_attn = make(cast(Attention, block.self_attn), plan, number)
    return core
