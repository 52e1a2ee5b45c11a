"""A learned machine: blocks that read for the CPU column, then a block that writes all columns.

The blocks are those of the core. In a reading block only the CPU column asks and changes; it
attends to all other columns of the state before the loop. In the writing block every column attends
to every column. A compiled machine has the same shape: the units of its memory columns do not fire.

Columns other than the CPU differ from each other and from state to state only in the lanes of their
value. So keys and values of all columns are linear maps of a fixed template plus a map of 8 lanes,
and scores need no key per state: the sums are those of the plain blocks in another order.
"""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from looped.artefact.embedding import embed
from looped.artefact.plan import Plan
from looped.nn import Attention, Block, GatedMLP

__all__ = ["LearnedMachine"]

_EPS = 1e-6


class LearnedMachine(nn.Module):
    """Predicts the next state. The residual stream has `width` lanes, the state its first ones."""

    template: Tensor

    def __init__(
        self, plan: Plan, width: int = 128, reads: int = 3, heads: int = 8, units: int = 256
    ) -> None:
        super().__init__()
        self.plan, self.width = plan, width
        self.value = list(plan.words["value"])
        self.others = [c for c in range(plan.columns) if c != plan.cpu]
        template = torch.from_numpy(embed((), plan)).float()[self.others]
        template[:, self.value] = 0
        self.register_buffer("template", template, persistent=False)
        self.reads = nn.ModuleList(_block(width, heads, units) for _ in range(reads))
        self.write = _block(width, max(1, heads // 2), units // 8)

    def forward(self, x: Tensor) -> Tensor:
        """Lanes (B, columns, d_model) before a loop to lanes whose signs are the next state."""
        columns = torch.arange(len(self.others), device=x.device).expand(len(x), -1)
        values, own = x[:, self.others][..., self.value], x[:, self.plan.cpu]
        others, cpu, _ = self.predict(values, own, columns)
        result = x.clone()
        result[:, self.plan.cpu] = cpu
        result[:, [[c] for c in self.others], self.value] = others
        return result

    def predict(
        self, values: Tensor, cpu: Tensor, columns: Tensor
    ) -> tuple[Tensor, Tensor, list[Tensor]]:
        """Values (B, columns, 8) and the CPU column (B, d_model): the values (B, Q, 8) of some
        columns (B, Q) after the loop, by their place in `others`, and the CPU column after it; and
        the residual stream (B, width) of the CPU column after each reading block."""
        lanes = cpu.shape[-1]
        moved = pad(cpu, (0, self.width - lanes))[:, None]  # (B, 1, width)
        between = []
        for block in self.reads:
            assert isinstance(block, Block)
            attention = cast(Attention, block.self_attn)
            queries = attention.q_proj(block.input_layernorm(moved))
            moved = moved + self._mixed(attention, queries, values)
            moved = moved + block.mlp(block.post_attention_layernorm(moved))
            between.append(moved[:, 0])
        x = torch.cat([self._own(values, columns), moved], 1)  # (B, Q + 1, width)
        block = self.write
        attention, norm = cast(Attention, block.self_attn), cast(nn.RMSNorm, block.input_layernorm)
        normed = norm(x)
        queries = attention.q_proj(normed)
        gain = norm.weight / math.sqrt(lanes / self.width + _EPS)
        x = x + self._mixed(attention, queries, values, normed[:, -1], gain)
        x = x + block.mlp(block.post_attention_layernorm(x))
        return x[:, :-1, self.value], x[:, -1, :lanes], between

    def _own(self, values: Tensor, columns: Tensor) -> Tensor:
        """The residual streams (B, Q, width) of some columns."""
        lanes = self.template.shape[-1]
        own = pad(self.template, (0, self.width - lanes))[columns]
        size = len(self.value)
        chosen = values.gather(1, columns[..., None].expand(-1, -1, size))
        return own + pad(chosen, (self.value[0], self.width - self.value[0] - size))

    def _mixed(
        self,
        attention: Attention,
        queries: Tensor,
        values: Tensor,
        cpu: Tensor | None = None,
        gain: Tensor | None = None,
    ) -> Tensor:
        """What heads add for queries (B, Q, heads · d_head) that attend to all other columns.

        With the CPU column `cpu` (B, width), normed, they attend to it, too; then `gain` is what
        the norm multiplies the lanes of the other columns with.
        """
        heads, size = attention.n_heads, attention.d_head
        key, value = attention.k_proj.weight, attention.v_proj.weight  # (heads · d_head, width)
        if gain is not None:
            key, value = key * gain, value * gain
        lanes, batch = self.template.shape[-1], len(values)
        q = queries.view(batch, -1, heads, size)
        keys = (self.template @ key[:, :lanes].T).view(-1, heads, size)
        mixed = (self.template @ value[:, :lanes].T).view(-1, heads, size)
        by_value = key[:, self.value].view(heads, size, -1)
        asked = torch.einsum("bqhd,hdl->bqhl", q, by_value).flatten(1, 2)  # (B, Q · heads, 8)
        scores = torch.einsum("bqhd,chd->bqhc", q, keys)
        scores = scores + (asked @ values.mT).view(batch, -1, heads, values.shape[1])
        if cpu is not None:
            own = attention.k_proj(cpu).view(batch, heads, size)
            scores = torch.cat([scores, torch.einsum("bqhd,bhd->bqh", q, own)[..., None]], -1)
        pattern = (scores / math.sqrt(size)).softmax(-1)  # (B, Q, heads, columns)
        memory = pattern[..., : values.shape[1]]
        read = (memory.flatten(1, 2) @ values).view(batch, -1, heads, len(self.value))
        z = torch.einsum("bqhc,chd->bqhd", memory, mixed)
        z = z + torch.einsum("bqhl,hdl->bqhd", read, value[:, self.value].view(heads, size, -1))
        if cpu is not None:
            z = z + pattern[..., -1:] * attention.v_proj(cpu).view(batch, 1, heads, size)
        added: Tensor = attention.o_proj(z.flatten(2))
        return added


def _block(width: int, heads: int, units: int) -> Block:
    """A block that adds nothing at first: without training, the next state is the last one."""
    attention, mlp = Attention(width, heads, 16), GatedMLP(width, units)
    nn.init.zeros_(attention.o_proj.weight)
    nn.init.zeros_(mlp.down_proj.weight)
    return Block(nn.RMSNorm(width, eps=_EPS), attention, nn.RMSNorm(width, eps=_EPS), mlp)
