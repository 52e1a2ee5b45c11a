"""A machine without values, projections or residual connections: lanes as buses.

A head of shaped attention copies a slice of lanes from key to query, to the same slice. So each
head of a core block gets a slice of its own, a *bus*, and a block becomes four simplified ones:

    fill      MLP         each column puts the value of each head on its bus: -1 becomes v - 1
    load      attention   each query takes the bus of its key
    drain     MLP         what is on a bus goes where W_O puts it, and the bus is -1 again
    compute   MLP         that of the core's block

α is 1 in heads that hold their slice, β is 1 in heads that load, everything else is 0.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from looped.nn import Attention, Block, GatedMLP, LoopedTransformer, Transformer
from looped.nn.mixers import ShapedAttention, SimplifiedBlock

__all__ = ["on_buses", "widened"]


def on_buses(core: Transformer, one: int) -> LoopedTransformer:
    """The looped model whose stream is that of `widened`; `one` is a lane that is always 1. Values
    of the core's heads must be 0 or 2."""
    blocks = [_Buses(cast(Block, layer), one) for layer in core.layers]
    layers = [made for block in blocks for made in block.simplified()]
    return LoopedTransformer(Transformer(layers, nn.RMSNorm(blocks[0].width, eps=0.0)))


def widened(d_model: int, n_heads: int, d_head: int) -> int:
    """The lanes of the stream: slices of `d_head` for the lanes of the plan, and a bus a head."""
    return d_head * (-(-d_model // d_head) + n_heads)


class _Buses:
    """The four simplified blocks of a block of the core."""

    def __init__(self, block: Block, one: int) -> None:
        self.attention = cast(Attention, block.self_attn)
        self.mlp, self.one = cast(GatedMLP, block.mlp), one
        core = self.attention
        self.own, self.d_head = core.q_proj.in_features, core.d_head
        self.width = widened(self.own, core.n_heads, core.d_head)
        self.slices = self.width // self.d_head
        self.used = core.v_proj.weight.any(1).nonzero()[:, 0]  # (lanes on a bus,)
        self.lanes = self.used + self.d_head * (self.slices - core.n_heads)

    def simplified(self) -> list[Block]:
        """The blocks, in their order."""
        hold, width, none = self._mixer(loads=False), self.width, torch.zeros(1, self.width)
        return [
            _block(width, hold, self._fill()),
            _block(width, self._mixer(loads=True), self._units(none, none.mT)),
            _block(width, hold, self._drain()),
            _block(width, hold, self._compute()),
        ]

    def _mixer(self, loads: bool) -> ShapedAttention:
        mixer = ShapedAttention(self.width, self.slices)
        nn.init.zeros_(mixer.k_proj.weight)
        for part in (mixer.beta, mixer.gamma):
            nn.init.zeros_(part)
        if loads:
            first = self.slices - self.attention.n_heads
            busy = (
                first + self.attention.o_proj.weight.any(0).view(-1, self.d_head).any(1).nonzero()
            )
            mixer.alpha.data[busy], mixer.beta.data[busy] = 0.0, 1.0
            rows = slice(first * self.d_head, None)
            mixer.q_proj.weight.data[rows, : self.own] = self.attention.q_proj.weight
            mixer.k_proj.weight.data[rows, : self.own] = self.attention.k_proj.weight
        return mixer

    def _fill(self) -> GatedMLP:
        gate = torch.zeros(len(self.used), self.width)
        gate[:, : self.own] = self.attention.v_proj.weight[self.used]
        down = torch.zeros(self.width, len(self.used))
        down[self.lanes, torch.arange(len(self.used))] = 1.0
        return self._units(gate, down)

    def _drain(self) -> GatedMLP:
        gate = torch.zeros(len(self.used), self.width)
        gate[torch.arange(len(self.used)), self.lanes] = 1.0
        gate[:, self.one] += 1.0
        down = torch.zeros(self.width, len(self.used))
        down[: self.own] = self.attention.o_proj.weight[:, self.used]
        down[self.lanes, torch.arange(len(self.used))] -= 1.0
        return self._units(gate, down)

    def _units(self, gate: Tensor, down: Tensor) -> GatedMLP:
        """relu(gate x), for gates (units, width), times down (width, units)."""
        made = GatedMLP(self.width, len(gate))
        for part, weight in ((made.gate_proj, gate), (made.down_proj, down)):
            part.weight.data = weight
        nn.init.zeros_(made.up_proj.weight)
        made.up_proj.weight.data[:, self.one] = 1.0
        return made

    def _compute(self) -> GatedMLP:
        made = GatedMLP(self.width, self.mlp.gate_proj.out_features)
        for name in ("gate_proj", "up_proj"):
            part = getattr(made, name).weight.data
            part.zero_()
            part[:, : self.own] = getattr(self.mlp, name).weight
        made.down_proj.weight.data.zero_()
        made.down_proj.weight.data[: self.own] = self.mlp.down_proj.weight
        return made


def _block(width: int, mixer: ShapedAttention, mlp: GatedMLP) -> SimplifiedBlock:
    return SimplifiedBlock(nn.RMSNorm(width, eps=0.0), mixer, mlp, beta=1.0)
