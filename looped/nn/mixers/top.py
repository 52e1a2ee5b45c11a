"""Exact top-k attention: softmax over the k best keys of a query."""

from __future__ import annotations

import torch
from torch import Tensor

from looped.nn.hooks import Tap
from looped.nn.mixers.variant import Variant, added

__all__ = ["TopAttention"]


class TopAttention(Variant):
    """`softmax` of the scores of the k best keys, 0 for the others (Vyas, Katharopoulos and
    Fleuret 2020, "Fast Transformers with Clustered Attention", 3.3, over all keys).

    With k = 1 it copies the best value. Where softmax is one-hot, both are equal to the bit, at any
    temperature. With k of at least M it is the core.
    """

    def __init__(self, d_model: int, n_heads: int, d_head: int, k: int = 1) -> None:
        super().__init__(d_model, n_heads, d_head)
        self.k = k

    def attend(
        self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, tap: Tap | None = None
    ) -> Tensor:
        """As the core, with all other keys masked."""
        if self.k >= k.shape[2]:
            return super().attend(q, k, v, mask, tap)
        scores = added(q @ k.mT / self.d_head**0.5, mask)  # (B, n_heads, N, M)
        best = scores.topk(self.k, sorted=False).indices  # (B, n_heads, N, k)
        rest = torch.ones_like(scores, dtype=torch.bool).scatter(-1, best, False)
        bias = torch.zeros_like(scores).masked_fill(rest, -torch.inf)
        return super().attend(q, k, v, added(bias, mask), tap)
