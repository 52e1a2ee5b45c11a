"""Attention with rotary positions."""

from __future__ import annotations

import torch
from torch import Tensor

from looped.nn.hooks import Tap
from looped.nn.mixers.variant import Variant
from looped.nn.position.rotary import Rotary

__all__ = ["RotaryAttention"]


class RotaryAttention(Variant):
    """`softmax(R_i q_i · R_j k_j / √d_head)`, with the rotations of RoPE (Su et al. 2021).

    Column j is at position `j · step`; the queries are the last N of M columns. With a `step` of 0
    all are at position 0, and it is the core.
    """

    def __init__(self, d_model: int, n_heads: int, d_head: int, rotary: Rotary, step: int = 1):
        super().__init__(d_model, n_heads, d_head)
        self.rotary, self.step = rotary, step

    def attend(
        self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, tap: Tap | None = None
    ) -> Tensor:
        """As the core, of rotated queries and keys."""
        places = torch.arange(k.shape[2], device=k.device) * self.step  # (M,)
        q = self.rotary(q, places[k.shape[2] - q.shape[2] :])  # (B, n_heads, N, d_head)
        return super().attend(q, self.rotary(k, places), v, mask, tap)
