"""Selective attention: a head says which earlier tokens nobody needs any longer."""

from __future__ import annotations

import math

from torch import Tensor
from torch.nn.functional import pad

from looped.nn.hooks import Tap
from looped.nn.mixers.patterns import causal, visible
from looped.nn.mixers.variant import Variant, added, joined

__all__ = ["SelectiveAttention"]


class SelectiveAttention(Variant):
    """`softmax(Q Kᵀ / √d_head - F) V`, causal, in all heads (Leviathan, Kalman and Matias 2024).

    With the logits L of the head `selector`: `S = strength · relu(L)`, but 0 for the first key and
    for a query's own; `F_i = Σ_{i' < i} S_{i'}`, so a token that selects acts from the next one on.
    F never decreases along the queries: a key that is masked out may be freed. The paper has a
    strength of 1; with a strength of 0 it is the core with a causal
    mask (to the bit where no gradient is recorded: PyTorch has another kernel for a bias with one).
    """

    def __init__(
        self, d_model: int, n_heads: int, d_head: int, selector: int = 0, strength: float = 1.0
    ) -> None:
        super().__init__(d_model, n_heads, d_head)
        self.selector, self.strength = selector, strength

    def penalty(self, q: Tensor, k: Tensor) -> Tensor:
        """F (B, N, N), of queries and keys (B, n_heads, N, d_head) of the same N columns."""
        head = slice(self.selector, self.selector + 1)
        logits = (q[:, head] @ k[:, head].mT)[:, 0] / math.sqrt(self.d_head)  # (B, N, N)
        n = q.shape[2]
        masks = visible(lambda i, j: (j < i) & (j > 0), n, n, q.device)
        selected = self.strength * logits.relu().masked_fill(~masks, 0.0)  # (B, N, N)
        return pad(selected.cumsum(1)[:, :-1], (0, 0, 1, 0))  # (B, N, N)

    def attend(
        self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, tap: Tap | None = None
    ) -> Tensor:
        """As the core, causal, with the penalty. Raises ValueError if N is not M."""
        n = q.shape[2]
        if k.shape[2] != n:
            raise ValueError(f"{n} queries for {k.shape[2]} keys; F needs a query for every key")
        bias = -self.penalty(q, k)[:, None]  # (B, 1, N, N)
        bias = joined(bias, visible(causal, n, n, q.device))
        return super().attend(q, k, v, added(bias, mask), tap)
