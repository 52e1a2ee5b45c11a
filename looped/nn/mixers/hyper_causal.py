"""HyperAttention under a causal mask, by halves."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from looped.nn.hooks import Tap
from looped.nn.mixers.hyper import HyperAttention
from looped.nn.mixers.patterns import causal, visible
from looped.nn.mixers.variant import refuse_other_than_causal

__all__ = ["CausalHyperAttention"]


class CausalHyperAttention(HyperAttention):
    """The second half of the queries sees the first half of the keys without a mask, so by hashes;
    each half sees itself the same way (Han et al. 2024, algorithm 4). Halves of at most `block`
    columns are dense.

    Both results for a query are merged by the sums of their exponentials. With a `block` of at
    least N it is the core with a causal mask.
    """

    def attend(
        self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, tap: Tap | None = None
    ) -> Tensor:
        """What each head mixes, for N = M. Raises ValueError for a mask that is not causal."""
        n = q.shape[2]
        refuse_other_than_causal(mask, n)
        if n <= self.block:
            return super().attend(q, k, v, visible(causal, n, n, q.device), tap)
        return self._halves(q, k, v)[..., :-1]

    def _halves(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """What is mixed, (B, n_heads, N, d_head), and one more lane: the log of the sum."""
        n = q.shape[2]
        if n <= self.block:
            allowed = visible(causal, n, n, q.device)
            bias = torch.zeros(n, n, dtype=q.dtype, device=q.device)
            return self._softmax(q, k, v, bias.masked_fill(~allowed, -math.inf))
        half = n // 2
        first, second = slice(half), slice(half, n)
        early = self._halves(q[:, :, first], k[:, :, first], v[:, :, first])
        own = self._halves(q[:, :, second], k[:, :, second], v[:, :, second])
        across = self._all(q[:, :, second], k[:, :, first], v[:, :, first])
        return torch.cat([early, _merged(own, across)], 2)

    def _all(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Without a mask: by hashes if there is more than one block."""
        if k.shape[2] <= self.block:
            return self._softmax(q, k, v, None)
        return self._hashed(q, k, v)

    def _softmax(self, q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None) -> Tensor:
        """Attention of (…, N, d_head), and the log of the sum of exponentials as one more lane."""
        scores = q @ k.mT / math.sqrt(self.d_head)  # (…, N, M)
        scores = scores if bias is None else scores + bias
        return torch.cat([scores.softmax(-1) @ v, scores.logsumexp(-1, keepdim=True)], -1)


def _merged(one: Tensor, other: Tensor) -> Tensor:
    """Softmax over the keys of both, of results that have the logs of their sums last."""
    logs = torch.stack([one[..., -1:], other[..., -1:]])
    weights = logs.softmax(0)
    mixed = weights[0] * one[..., :-1] + weights[1] * other[..., :-1]
    return torch.cat([mixed, logs.logsumexp(0)], -1)
