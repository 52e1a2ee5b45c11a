"""Additive attention: a hidden layer of tanh compares query and key."""

from __future__ import annotations

from typing import Any, Self

import torch
from torch import Tensor, nn

from looped.nn.attention import Attention
from looped.nn.hooks import Tap
from looped.nn.mixers.comparison import Unit, comparison, levels, product
from looped.nn.mixers.variant import Variant, added

__all__ = ["AdditiveAttention"]


class AdditiveAttention(Variant):
    """`softmax_j(vᵀ tanh(W q_i + U k_j + c))` in each head (Bahdanau, Cho and Bengio 2015).

    `units` hidden units a head; W and U are (n_heads, units, d_head), c and v (n_heads, units). The
    scores need no scale. No product of matrices holds them all: O(N·M·units) values.
    """

    def __init__(self, d_model: int, n_heads: int, d_head: int, units: int) -> None:
        super().__init__(d_model, n_heads, d_head)
        self.query = nn.Parameter(torch.randn(n_heads, units, d_head) / d_head**0.5)
        self.key = nn.Parameter(torch.randn(n_heads, units, d_head) / d_head**0.5)
        self.shift = nn.Parameter(torch.zeros(n_heads, units))
        self.score = nn.Parameter(torch.randn(n_heads, units) / units**0.5)

    @classmethod
    def from_core(cls, core: Attention, *settings: Any, **named: Any) -> Self:
        """What scores as `core` does on streams of ±1, up to a number that is the same for all keys
        of a query: equal to the core to the bit where softmax is one-hot.

        A lane of q or k then takes few values, and some saturated units give the product of a lane
        of q and one of k (`comparison.product`). Raises ValueError for a row of W_Q or W_K with
        more than eight weights.
        """
        q_rows, k_rows = (
            part.weight.detach().double().view(core.n_heads, core.d_head, -1)
            for part in (core.q_proj, core.k_proj)
        )
        heads = [
            [product(levels(q), levels(k)) for q, k in zip(*rows, strict=True)]
            for rows in zip(q_rows, k_rows, strict=True)
        ]
        return cls._of_units(core, heads)

    @classmethod
    def from_codes(cls, core: Attention, q_scale: float, k_scale: float) -> Self:
        """The same, if each lane is ±q_scale in queries and ±k_scale in keys, or 0 in both.

        Two units a lane: a score is -2·Hamming, times the scales.
        """
        lane = comparison(q_scale, k_scale)
        return cls._of_units(core, [[lane] * core.d_head] * core.n_heads)

    @classmethod
    def _of_units(cls, core: Attention, heads: list[list[list[Unit]]]) -> Self:
        """A mixer with the units of each head and lane."""
        width = max(sum(map(len, lanes)) for lanes in heads)
        made = cls(core.q_proj.in_features, core.n_heads, core.d_head, width)
        made.to(core.q_proj.weight).load_state_dict(core.state_dict(), strict=False)
        with torch.no_grad():
            for part in (made.query, made.key, made.shift, made.score):
                part.zero_()
            for head, lanes in enumerate(heads):
                units = [(lane, unit) for lane, units in enumerate(lanes) for unit in units]
                for u, (lane, unit) in enumerate(units):
                    made.query[head, u, lane] = unit.query
                    made.key[head, u, lane] = unit.key
                    made.shift[head, u] = unit.shift
                    made.score[head, u] = unit.score / core.d_head**0.5
        return made

    def attend(
        self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, tap: Tap | None = None
    ) -> Tensor:
        """As the core, with these scores in place of the products."""
        asked = torch.einsum("bhnd,hud->bhnu", q, self.query) + self.shift[:, None]
        offered = torch.einsum("bhmd,hud->bhmu", k, self.key)  # (B, n_heads, M, units)
        hidden = torch.tanh(asked[:, :, :, None] + offered[:, :, None])  # (B, n_heads, N, M, units)
        scores = torch.einsum("bhnmu,hu->bhnm", hidden, self.score)  # (B, n_heads, N, M)
        return super().attend(torch.zeros_like(q), k, v, added(scores, mask), tap)
