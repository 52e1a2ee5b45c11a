"""LM-Infinite: a window of recent keys, and the first ones."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from looped.nn.hooks import Tap
from looped.nn.mixers.patterns import sink_and_window, visible
from looped.nn.mixers.variant import Variant, added, joined
from looped.nn.position.rotary import Rotary

__all__ = ["LambdaAttention"]


class LambdaAttention(Variant):
    """Key j is visible to query i iff `0 ≤ i - j < window` or `j < sink` (Han et al. 2024).

    With `rotary`, no key seems farther than `window`: the score of a farther one is
    `R_window q_i · k_j`. With a window of at least M it is the core with a causal mask, or
    RotaryAttention with one.
    """

    def __init__(
        self,
        d_model: int,
        n_heads: int,
        d_head: int,
        window: int,
        sink: int = 0,
        rotary: Rotary | None = None,
    ) -> None:
        super().__init__(d_model, n_heads, d_head)
        self.window, self.sink, self.rotary = window, sink, rotary

    def attend(
        self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, tap: Tap | None = None
    ) -> Tensor:
        """As the core, with the pattern and `mask`."""
        n, m = q.shape[2], k.shape[2]
        allowed = visible(sink_and_window(self.window, self.sink), n, m, q.device)  # (N, M)
        if self.rotary is None or m <= self.window:
            q, k = self._rotated(q, k)
            return super().attend(q, k, v, joined(mask, allowed), tap)
        limit = torch.tensor([self.window], device=q.device)
        capped = self.rotary(q, limit) @ k.mT / math.sqrt(self.d_head)  # (B, n_heads, N, M)
        q, k = self._rotated(q, k)
        change = capped - q @ k.mT / math.sqrt(self.d_head)  # (B, n_heads, N, M)
        near = visible(lambda i, j: i - j < self.window, n, m, q.device)
        bias = joined(change.masked_fill(near, 0.0), allowed)
        return super().attend(q, k, v, added(bias, mask), tap)

    def _rotated(self, q: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
        if self.rotary is None:
            return q, k
        places = torch.arange(k.shape[2], device=k.device)
        return self.rotary(q, places[k.shape[2] - q.shape[2] :]), self.rotary(k, places)
