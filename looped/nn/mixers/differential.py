"""Differential attention: the difference of two softmax maps."""

from __future__ import annotations

import math
from typing import Any, Self

import torch
from torch import Tensor, nn

from looped.nn.attention import Attention
from looped.nn.hooks import Tap
from looped.nn.mixers.variant import Variant, added

__all__ = ["DifferentialAttention"]


class DifferentialAttention(Variant):
    """`(softmax(Q₁K₁ᵀ s) - λ softmax(Q₂K₂ᵀ s)) V`, s = 1/√d_head (Ye et al. 2025).

    λ = exp(λ_q1·λ_k1) - exp(λ_q2·λ_k2) + λ_init. Each head's result passes an RMSNorm without gain
    and the factor 1 - λ_init, unless `head_norm` is False. `q_proj` and `k_proj` hold both maps of
    a head, one after the other. The paper's λ_init is 0.8 - 0.6 exp(-0.3·layer), counted from 0,
    and its `d_value` 2·d_head. With λ = 0 and without a head norm it is the core.
    """

    def __init__(
        self,
        d_model: int,
        n_heads: int,
        d_head: int,
        layer: int = 0,
        d_value: int | None = None,
        lambda_init: float | None = None,
        head_norm: bool = True,
    ) -> None:
        super().__init__(d_model, n_heads, d_head)
        size = d_head if d_value is None else d_value
        self.q_proj = nn.Linear(d_model, n_heads * 2 * d_head, bias=False)
        self.k_proj = nn.Linear(d_model, n_heads * 2 * d_head, bias=False)
        self.v_proj = nn.Linear(d_model, n_heads * size, bias=False)
        self.o_proj = nn.Linear(n_heads * size, d_model, bias=False)
        usual = 0.8 - 0.6 * math.exp(-0.3 * layer)
        self.lambda_init = usual if lambda_init is None else lambda_init
        self.lambda_q1, self.lambda_k1 = _start(d_head), _start(d_head)
        self.lambda_q2, self.lambda_k2 = _start(d_head), _start(d_head)
        self.head_norm: nn.Module | None = None
        if head_norm:
            self.head_norm = nn.RMSNorm(size, eps=1e-6, elementwise_affine=False)

    @classmethod
    def from_core(cls, core: Attention, *settings: Any, **named: Any) -> Self:
        """A copy of `core` with λ = `lambda_init`, by default 0, and no head norm.

        The second map has `ratio` (by default 1) times the queries of the first, and its keys. So
        its temperature is another, and λ = ½ can cancel what leaks to first order.
        """
        ratio = named.pop("ratio", 1.0)
        settled = {"lambda_init": 0.0, "head_norm": False} | named
        made = cls(core.q_proj.in_features, core.n_heads, core.d_head, *settings, **settled)
        weights = {name: weight.detach() for name, weight in core.state_dict().items()}
        for name, factor in (("q_proj.weight", ratio), ("k_proj.weight", 1.0)):
            rows = weights[name].view(core.n_heads, core.d_head, -1)
            weights[name] = torch.cat([rows, factor * rows], 1).flatten(0, 1)
        made.to(core.q_proj.weight).load_state_dict(weights, strict=False)
        with torch.no_grad():
            for part in (made.lambda_q1, made.lambda_k1, made.lambda_q2, made.lambda_k2):
                part.zero_()
        return made

    def weight(self) -> Tensor:
        """λ, a scalar."""
        first = (self.lambda_q1 * self.lambda_k1).sum().exp()
        second = (self.lambda_q2 * self.lambda_k2).sum().exp()
        return first - second + self.lambda_init

    def attend(
        self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, tap: Tap | None = None
    ) -> Tensor:
        """What each head mixes, (B, n_heads, N, d_value), of q and k (B, n_heads, N, 2·d_head).

        A `tap` sees the scores of the first map, and as pattern the difference of both.
        """
        q1, q2 = q.chunk(2, -1)  # (B, n_heads, N, d_head)
        k1, k2 = k.chunk(2, -1)  # (B, n_heads, M, d_head)
        if tap is None:
            first, second = super().attend(q1, k1, v, mask), super().attend(q2, k2, v, mask)
            mixed = first - self.weight() * second  # (B, n_heads, N, d_value)
        else:
            scores = [
                added(q @ k.mT / math.sqrt(self.d_head), mask) for q, k in ((q1, k1), (q2, k2))
            ]
            shown = tap("hook_attn_scores", scores[0])
            pattern = shown.softmax(-1) - self.weight() * scores[1].softmax(-1)
            mixed = tap("hook_pattern", pattern) @ v
        if self.head_norm is None:
            return mixed
        normed: Tensor = self.head_norm(mixed)
        return (1 - self.lambda_init) * normed


def _start(d_head: int) -> nn.Parameter:
    return nn.Parameter(0.1 * torch.randn(d_head))
