"""Additive attention: a hidden layer of tanh compares query and key."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from looped.nn.attention import Attention
from looped.nn.hooks import Tap
from looped.nn.mixers.variant import Variant, added

__all__ = ["AdditiveAttention"]

_GAIN = 40.0
"""The units get ±½ or more, times the gain; tanh(19.1) rounds to 1 in float64, tanh(9.1) in
float32."""


class AdditiveAttention(Variant):
    """`softmax_j(vᵀ tanh(W q_i + U k_j + c))` in each head (Bahdanau, Cho and Bengio 2015).

    `units` hidden units a head; W and U are (n_heads, units, d_head), c and v (n_heads, units). The
    scores need no scale. No product of matrices holds them all: O(N·M·units) values.
    `from_codes` and `from_ternary` make the one that is a given core, to the bit where its sums are
    exact and softmax is one-hot.
    """

    def __init__(self, d_model: int, n_heads: int, d_head: int, units: int) -> None:
        super().__init__(d_model, n_heads, d_head)
        self.query = nn.Parameter(torch.randn(n_heads, units, d_head) / d_head**0.5)
        self.key = nn.Parameter(torch.randn(n_heads, units, d_head) / d_head**0.5)
        self.shift = nn.Parameter(torch.zeros(n_heads, units))
        self.score = nn.Parameter(torch.randn(n_heads, units) / units**0.5)

    @classmethod
    def from_codes(cls, core: Attention, q_scale: Tensor, k_scale: Tensor) -> AdditiveAttention:
        """A core whose queries are ±q_scale and keys ±k_scale, each (n_heads, d_head).

        Two units a lane, `t(a+b-1) + t(-a-b-1)` with t = tanh of g·x, give 0 if the signs a and b
        are equal, else -2. So a score is -2·Hamming: the core's minus the same number everywhere.
        """
        signs = q_scale.new_tensor([[1, 1, 1], [-1, -1, 1]])
        return cls._comparing(core, q_scale, k_scale, signs, 1.0)

    @classmethod
    def from_ternary(cls, core: Attention, q_scale: Tensor, k_scale: Tensor) -> AdditiveAttention:
        """A core whose queries are 0 or ±q_scale and keys 0 or ±k_scale, each (n_heads, d_head).

        Four units a lane give the product of a and b in {-1, 0, 1},
        `a·b = ½ (t(a+b-1½) + t(-a-b-1½) - t(a-b-1½) - t(b-a-1½))`, so the scores are the core's.
        """
        signs = q_scale.new_tensor([[1, 1, 0.5], [-1, -1, 0.5], [1, -1, -0.5], [-1, 1, -0.5]])
        return cls._comparing(core, q_scale, k_scale, signs, 1.5)

    @classmethod
    def _comparing(
        cls, core: Attention, q_scale: Tensor, k_scale: Tensor, signs: Tensor, threshold: float
    ) -> AdditiveAttention:
        """Per lane a unit for each row of `signs`: of the query, of the key, of the score."""
        made = cls(core.q_proj.in_features, core.n_heads, core.d_head, len(signs) * core.d_head)
        made.load_state_dict(core.state_dict(), strict=False)
        lanes = torch.eye(core.d_head, dtype=q_scale.dtype)
        weight = q_scale * k_scale / core.d_head**0.5  # (n_heads, d_head)
        with torch.no_grad():
            for part, column, scale in ((made.query, 0, q_scale), (made.key, 1, k_scale)):
                unit = torch.einsum("u,ij,hj->huij", signs[:, column], lanes, _GAIN / scale)
                part.copy_(unit.flatten(1, 2))  # (n_heads, units, d_head)
            made.shift.fill_(-threshold * _GAIN)
            made.score.copy_((signs[:, 2, None] * weight[:, None]).flatten(1))
        return made.to(core.q_proj.weight)

    def attend(
        self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, tap: Tap | None = None
    ) -> Tensor:
        """As the core, with these scores in place of the products."""
        asked = torch.einsum("bhnd,hud->bhnu", q, self.query) + self.shift[:, None]
        offered = torch.einsum("bhmd,hud->bhmu", k, self.key)  # (B, n_heads, M, units)
        hidden = torch.tanh(asked[:, :, :, None] + offered[:, :, None])  # (B, n_heads, N, M, units)
        scores = torch.einsum("bhnmu,hu->bhnm", hidden, self.score)  # (B, n_heads, N, M)
        return super().attend(torch.zeros_like(q), k, v, added(scores, mask), tap)
