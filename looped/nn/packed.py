"""A transformer without what adds nothing: the same sums, faster.

Heads without values and units without a gate, an up or a down weight add zero, so a packed model
leaves them out. On a CPU it also looks at the columns in each pass:

- In a head, all columns that ask the same as column 0 get what column 0 gets: it asks once.
- If each unit of column 0 is zero, by its gate or by its up projection, so are those of all columns
  that agree with it in the lanes that these factors read: the MLP of these columns adds zero.

A column gets the same terms as in the model itself. So both models are equal to the bit wherever
the order of a sum does not matter, as in a compiled machine, whose sums are exact. Elsewhere they
may round differently.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import linear, scaled_dot_product_attention

from looped.nn.attention import Attention
from looped.nn.block import Block
from looped.nn.hooks import Tap
from looped.nn.mlp import GatedMLP
from looped.nn.model import LoopedTransformer, Transformer

__all__ = ["packed"]


def packed(model: LoopedTransformer) -> LoopedTransformer:
    """A model with the same weights, for inference.

    Mixers and MLPs other than `Attention` and `GatedMLP` stay as they are; so do other blocks.
    With hooks, masks or contexts the model itself runs: the packed one has not all heads and units
    that they may name.
    """
    transformer = _Packed(model.transformer)
    return LoopedTransformer(transformer).requires_grad_(False).eval()


class _Packed(Transformer):
    """A packed transformer, and the one that it is made of for passes that are looked into."""

    def __init__(self, whole: Transformer) -> None:
        super().__init__([_block(cast(Block, block)) for block in whole.layers], whole.norm)
        self.whole = whole

    def forward(
        self,
        x: Tensor,
        context: Tensor | None = None,
        mask: Tensor | None = None,
        tap: Tap | None = None,
    ) -> Tensor:
        """Map `x` (B, N, d_model) to (B, N, d_model)."""
        tap = tap or self.tap
        if tap is None and context is None and mask is None:
            return super().forward(x)
        result: Tensor = self.whole(x, context, mask, tap)
        return result


def _block(block: Block) -> Block:
    if type(block) is not Block:
        return block
    mixer, mlp = block.self_attn, block.mlp
    if type(mixer) is Attention:
        mixer = _Attention(mixer)
    if type(mlp) is GatedMLP:
        mlp = _MLP(mlp)
    return Block(block.input_layernorm, mixer, block.post_attention_layernorm, mlp)


class _Attention(nn.Module):
    """Attention with the heads that have values and write them; there may be none."""

    def __init__(self, attention: Attention) -> None:
        super().__init__()
        size = self.d_head = attention.d_head
        value = attention.v_proj.weight.view(-1, size, attention.v_proj.in_features)
        out = attention.o_proj.weight.view(attention.o_proj.out_features, -1, size)
        adds = value.ne(0).any(dim=2).any(dim=1) & out.ne(0).any(dim=2).any(dim=0)
        lanes = adds.repeat_interleave(size).nonzero()[:, 0]
        self.heads = int(adds.sum())
        for name in ("q", "k", "v"):
            weight = getattr(attention, f"{name}_proj").weight[lanes].clone()
            self.register_buffer(name, weight)
        self.register_buffer("o", attention.o_proj.weight[:, lanes].contiguous().clone())

    def forward(
        self, x: Tensor, context: Tensor | None = None, mask: Tensor | None = None
    ) -> Tensor:
        """Map `x` (B, N, d_model) to (B, N, d_model)."""
        assert context is None and mask is None
        if not self.heads:
            return torch.zeros((), dtype=x.dtype, device=x.device)
        q, k, v = (self._split(linear(x, self.get_buffer(name))) for name in ("q", "k", "v"))
        if x.device.type == "cpu":  # elsewhere a look at the data would wait for the device
            mixed = self._asked_once(q, k, v)
        else:
            mixed = scaled_dot_product_attention(q, k, v)
        return linear(mixed.transpose(1, 2).flatten(2), self.get_buffer("o"))  # (B, N, d_model)

    def _asked_once(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Attention of (B, heads, N, d_head), in which column 0 asks for all that ask the same."""
        other = (q != q[:, :, :1]).any(dim=3).any(dim=0)  # (heads, N)
        few = 2 * other.sum(dim=1) < q.shape[2]
        mixed = torch.empty_like(q)
        if not bool(few.all()):
            own = (~few).nonzero()[:, 0]
            mixed[:, own] = scaled_dot_product_attention(q[:, own], k[:, own], v[:, own])
        for head in few.nonzero()[:, 0].tolist():
            columns = other[head].nonzero()[:, 0]
            asked = torch.cat([columns.new_zeros(1), columns])
            one = slice(head, head + 1)
            found = scaled_dot_product_attention(q[:, one, asked], k[:, one], v[:, one])
            mixed[:, one] = found[:, :, :1]
            mixed[:, one, columns] = found[:, :, 1:]
        return mixed

    def _split(self, x: Tensor) -> Tensor:
        return x.view(*x.shape[:2], self.heads, self.d_head).transpose(1, 2)


class _MLP(nn.Module):
    """A gated MLP with the units that can add something."""

    def __init__(self, mlp: GatedMLP) -> None:
        super().__init__()
        self.activation: Callable[[Tensor], Tensor] = mlp.activation
        gate, up, down = (part.weight for part in (mlp.gate_proj, mlp.up_proj, mlp.down_proj))
        adds = gate.ne(0).any(dim=1) & up.ne(0).any(dim=1) & down.ne(0).any(dim=0)
        self.register_buffer("gate", gate[adds].clone())
        self.register_buffer("up", up[adds].clone())
        self.register_buffer("down", down[:, adds].contiguous().clone())
        self._by_gate = torch.zeros(0, dtype=torch.bool)
        self._lanes = torch.zeros(0, dtype=torch.int64)

    def forward(self, x: Tensor) -> Tensor:
        """Map `x` (B, N, d_model) to the same shape."""
        if x.device.type != "cpu":
            return self._units(x)
        lanes = self._lanes_of_zero(x[0, :1])
        if lanes is None:
            return self._units(x)
        columns = (x[..., lanes] != x[0, 0, lanes]).any(dim=2).any(dim=0).nonzero()[:, 0]
        result = torch.zeros_like(x)
        result[:, columns] = self._units(x[:, columns])
        return result

    def _lanes_of_zero(self, row: Tensor) -> Tensor | None:
        """If all units are zero in a column (1, d_model): lanes that make them so, which are those
        of a factor that is zero for each unit, the one that reads fewer lanes. Else None."""
        gate, up = self.get_buffer("gate"), self.get_buffer("up")
        closed = self.activation(linear(row, gate))[0] == 0
        idle = linear(row, up)[0] == 0
        if not bool((closed | idle).all()):
            return None
        by_gate = closed & ~(idle & (up.ne(0).sum(dim=1) <= gate.ne(0).sum(dim=1)))
        if not torch.equal(by_gate, self._by_gate):
            self._by_gate = by_gate
            read = gate[by_gate].ne(0).any(dim=0) | up[~by_gate].ne(0).any(dim=0)
            self._lanes = read.nonzero()[:, 0]
        return self._lanes

    def _units(self, x: Tensor) -> Tensor:
        gate, up, down = (self.get_buffer(name) for name in ("gate", "up", "down"))
        return linear(self.activation(linear(x, gate)) * linear(x, up), down)
