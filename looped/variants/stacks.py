"""Stacks: how the blocks of a machine follow one another, from loop to loop."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

import torch
from torch import Tensor

from looped.artefact.plan import Plan
from looped.nn import Block, LoopedTransformer, Transformer
from looped.nn.stacks import DenseTransformer, SegmentRecurrence
from looped.variants.simplified import on_buses

__all__ = ["STACKS"]


class SegmentMachine(LoopedTransformer):
    """A machine whose columns are the memory tokens of a recurrent transformer (RMT).

    The input column is the segment: a text of one token a segment is the input of the machine, and
    what the stack makes of the memory tokens is their next state. Its host fills the segment.
    """

    def __init__(self, transformer: Transformer) -> None:
        super().__init__(transformer)
        self.recurrence = SegmentRecurrence(transformer, decoder=False)

    def forward(self, x: Tensor, loops: int = 1, mask: Tensor | None = None) -> Tensor:
        """Map `x` (B, N, d_model) to the same shape by `loops` segments, the last column each."""
        memory, segment = x[:, :-1], x[:, -1:]
        for number in range(loops):
            memory, segment = self.recurrence.step(memory, segment, mask, number)
        return torch.cat([memory, segment], 1)  # (B, N, d_model)


def _plain(core: Transformer, plan: Plan) -> LoopedTransformer:
    return LoopedTransformer(core)


def _segments(core: Transformer, plan: Plan) -> LoopedTransformer:
    return SegmentMachine(core)


def _simplified(core: Transformer, plan: Plan) -> LoopedTransformer:
    return on_buses(core, plan.words["one"][0])


def _undoing(core: Transformer, plan: Plan) -> LoopedTransformer:
    """A DenseFormer with `X₀ + X_B - X_{B-1}` after its last block."""
    made = DenseTransformer([cast(Block, block) for block in core.layers], core.norm)
    weights = made.alpha[-1]
    weights.zero_()
    weights[0] += 1
    weights[-2] -= 1
    weights[-1] += 1
    return LoopedTransformer(made)


STACKS: Mapping[str, Callable[[Transformer, Plan], LoopedTransformer]] = {
    "plain": _plain,
    "denseformer": _undoing,
    "rmt": _segments,
    "simplified": _simplified,
}
"""What makes the looped model of a stack of blocks, by its name."""
