"""Linear attention: keys and values as one matrix, written once and read by every query."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import elu

from looped.nn.hooks import Tap
from looped.nn.mixers.variant import Variant, refuse_other_than_causal

__all__ = ["BitProduct", "LinearAttention", "elu_plus_one"]


def elu_plus_one(x: Tensor) -> Tensor:
    """elu(x) + 1, lane by lane: the feature map of the paper."""
    return elu(x) + 1


class BitProduct(nn.Module):
    """The product of bit selectors, Π_i (1 ± x_i)/2: a ±1 code of b bits becomes one-hot in 2^b.

    It takes the signs of the first `bits` lanes; others do not count.
    """

    signs: Tensor

    def __init__(self, bits: int) -> None:
        super().__init__()
        codes = torch.arange(1 << bits)[:, None] >> torch.arange(bits) & 1  # (2^bits, bits)
        self.register_buffer("signs", codes.float() * 2 - 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map `x` (..., d_head) to (..., 2^bits)."""
        bits = self.signs.shape[1]
        factors = 1 + self.signs.to(x.dtype) * x[..., None, :bits].sign()  # (..., 2^bits, bits)
        return (factors / 2).prod(-1)


class LinearAttention(Variant):
    """`φ(Q) (φ(K)ᵀ V) / (φ(Q) Σ_j φ(k_j))` (Katharopoulos et al. 2020); causal on demand.

    The state φ(K)ᵀ V has a fixed size, d_φ · d_head: O(1) a token. It holds d_φ orthogonal keys. It
    is the core where both are one-hot: φ takes different keys to orthogonal vectors (BitProduct),
    and softmax is one-hot, as on ±1 codes with a large temperature.
    """

    def __init__(
        self,
        d_model: int,
        n_heads: int,
        d_head: int,
        feature: Callable[[Tensor], Tensor] = elu_plus_one,
        causal: bool = False,
    ) -> None:
        super().__init__(d_model, n_heads, d_head)
        self.feature, self.causal = feature, causal

    def attend(
        self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, tap: Tap | None = None
    ) -> Tensor:
        """What each head mixes; a `tap` sees the pattern, whose rows sum to 1. Raises ValueError
        for a mask, except for the causal one if it is causal."""
        if self.causal:
            refuse_other_than_causal(mask, q.shape[2])
        elif mask is not None:
            raise ValueError("linear attention takes no mask; it is causal or not")
        q, k = self.feature(q), self.feature(k)  # (B, n_heads, N or M, d_phi)
        if tap is not None:
            scores = tap("hook_attn_scores", q @ k.mT)  # (B, n_heads, N, M)
            scores = scores.tril(k.shape[2] - q.shape[2]) if self.causal else scores
            return tap("hook_pattern", scores / scores.sum(-1, keepdim=True)) @ v
        if not self.causal:
            return q @ (k.mT @ v) / (q @ k.sum(2)[..., None])  # (B, n_heads, N, d_head)
        state = (k[..., None] * v[..., None, :]).cumsum(2)  # (B, n_heads, N, d_phi, d_head)
        read = (q[..., None, :] @ state)[..., 0, :]  # (B, n_heads, N, d_head)
        return read / (q * k.cumsum(2)).sum(-1, keepdim=True)

    def step(self, state: Tensor, q: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """One token of the recurrent form: write k and v, then read with q, all (B, n_heads,
        d_head). The state is (B, n_heads, d_phi, d_head + 1), at first 0; its last column has the
        sum of the keys. Returns the next state and what each head mixes, (B, n_heads, d_head).
        """
        q, k = self.feature(q), self.feature(k)
        value = torch.cat([v, torch.ones_like(v[..., :1])], -1)  # (B, n_heads, d_head + 1)
        state = state + k[..., None] * value[..., None, :]
        read = (q[..., None, :] @ state)[..., 0, :]  # (B, n_heads, d_head + 1)
        return state, read[..., :-1] / read[..., -1:]
