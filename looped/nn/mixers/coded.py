"""Coded attention: queries and keys that name positions in binary meet as codes of any kind."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from looped.nn.hooks import Tap
from looped.nn.mixers.variant import Variant

__all__ = ["CodedAttention"]


class CodedAttention(Variant):
    """The core's scores, with `c_q(p) · c_k(p')` in place of the product of two binary codes.

    The first b lanes of queries and keys are ±1 times a unit: position p in binary, least
    significant bit first. Units `relu(x · s_p - (b - 1))`, s_p the signs of p, are one-hot, so the
    codes are rows of tables `queries` and `keys` (n_heads, 2^b, width). As in DETR (Carion et al.
    2020) each layer adds codes of positions to queries and keys, not to the stream. With the binary
    codes as both tables it is the core, where the core reads ±1.
    """

    signs: Tensor

    def __init__(
        self, d_model: int, n_heads: int, d_head: int, bits: int, width: int, unit: float = 1.0
    ) -> None:
        super().__init__(d_model, n_heads, d_head)
        codes = torch.arange(1 << bits)[:, None] >> torch.arange(bits) & 1  # (2^bits, bits)
        self.register_buffer("signs", codes.float() * 2 - 1)
        self.queries = nn.Parameter(torch.randn(n_heads, 1 << bits, width))
        self.keys = nn.Parameter(torch.randn(n_heads, 1 << bits, width))
        self.units = nn.Parameter(torch.full((n_heads,), unit))

    def attend(
        self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, tap: Tap | None = None
    ) -> Tensor:
        """As the core, with codes in the first lanes."""
        q = self._coded(q, self.queries, self.units[:, None, None])  # (B, n_heads, N, lanes)
        k = self._coded(k, self.keys, torch.ones_like(self.units)[:, None, None])
        if tap is None:  # the fused kernel scales by the lanes that it gets
            q = q * math.sqrt(q.shape[-1] / self.d_head)
        return super().attend(q, k, v, mask, tap)

    def _coded(self, x: Tensor, table: Tensor, unit: Tensor) -> Tensor:
        """The first lanes of `x` (B, n_heads, N, d_head) as rows of a table, times the unit."""
        bits = self.signs.shape[1]
        one_hot = (x[..., :bits] / unit @ self.signs.mT - (bits - 1)).relu()  # (…, N, 2^bits)
        return torch.cat([one_hot @ (table * unit), x[..., bits:]], -1)
