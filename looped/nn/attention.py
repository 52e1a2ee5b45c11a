"""Multi-head softmax attention, self-attention or cross-attention."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from looped.nn.hooks import Tap

__all__ = ["Attention"]


class Attention(nn.Module):
    """`softmax(Q Kᵀ / √d_head) V` with uniform heads and no biases (Vaswani et al. 2017, 3.2).

    `n_heads * d_head` need not equal `d_model`. A variant overrides `attend`.
    """

    def __init__(self, d_model: int, n_heads: int, d_head: int) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.d_head = d_head
        self.q_proj = nn.Linear(d_model, n_heads * d_head, bias=False)
        self.k_proj = nn.Linear(d_model, n_heads * d_head, bias=False)
        self.v_proj = nn.Linear(d_model, n_heads * d_head, bias=False)
        self.o_proj = nn.Linear(n_heads * d_head, d_model, bias=False)

    def forward(
        self,
        x: Tensor,
        context: Tensor | None = None,
        mask: Tensor | None = None,
        tap: Tap | None = None,
    ) -> Tensor:
        """Map `x` (B, N, d_model) to (B, N, d_model).

        Keys and values come from `context` (B, M, d_model), by default `x`. `mask` broadcasts to
        (B, n_heads, N, M): a boolean mask (True: the query may attend to the key) or a bias that is
        added to the scores. With a `tap`, attention is eager: the same steps, one by one.
        """
        source = x if context is None else context
        q = self._split(self.q_proj(x))  # (B, n_heads, N, d_head)
        k = self._split(self.k_proj(source))  # (B, n_heads, M, d_head)
        v = self._split(self.v_proj(source))  # (B, n_heads, M, d_head)
        if tap is not None:  # it sees heads after columns
            q = tap("hook_q", q.transpose(1, 2)).transpose(1, 2)
            k = tap("hook_k", k.transpose(1, 2)).transpose(1, 2)
            v = tap("hook_v", v.transpose(1, 2)).transpose(1, 2)
        mixed = self.attend(q, k, v, mask, tap)  # (B, n_heads, N, d_head)
        if tap is not None:
            mixed = tap("hook_z", mixed.transpose(1, 2)).transpose(1, 2)
        joined: Tensor = self.o_proj(mixed.transpose(1, 2).flatten(2))  # (B, N, d_model)
        return joined

    def attend(
        self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, tap: Tap | None = None
    ) -> Tensor:
        """What each head mixes, (B, n_heads, N, d_head), of `q` (B, n_heads, N, d_head), `k` and
        `v` (B, n_heads, M, d_head); `mask` as in `forward`."""
        if tap is None:
            return scaled_dot_product_attention(q, k, v, attn_mask=mask)
        scores = q @ k.mT / math.sqrt(self.d_head)  # (B, n_heads, N, M)
        if mask is not None and mask.dtype == torch.bool:
            scores = scores.masked_fill(~mask, -math.inf)
        elif mask is not None:
            scores = scores + mask
        pattern = tap("hook_pattern", tap("hook_attn_scores", scores).softmax(-1))
        return pattern @ v

    def _split(self, x: Tensor) -> Tensor:
        return x.view(*x.shape[:2], self.n_heads, -1).transpose(1, 2)
