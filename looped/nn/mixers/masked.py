"""Attention by patterns: causal, sparse, or any pattern a head."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle, islice

import torch
from torch import Tensor

from looped.nn.hooks import Tap
from looped.nn.mixers.patterns import (
    Pattern,
    causal,
    fixed_far,
    fixed_near,
    strided_far,
    strided_near,
    visible,
)
from looped.nn.mixers.variant import Variant, joined

__all__ = ["CausalAttention", "PatternAttention", "SparseAttention"]


class PatternAttention(Variant):
    """`softmax(Q Kᵀ / √d_head + M) V` where head h may attend by pattern h; patterns repeat.

    `M` is 0 where a pattern allows and -∞ elsewhere. With the pattern `everything` it is the core.
    """

    def __init__(
        self, d_model: int, n_heads: int, d_head: int, patterns: Sequence[Pattern]
    ) -> None:
        super().__init__(d_model, n_heads, d_head)
        self.patterns = tuple(patterns)

    def attend(
        self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, tap: Tap | None = None
    ) -> Tensor:
        """As the core, with the patterns and `mask`."""
        n, m = q.shape[2], k.shape[2]
        masks = [visible(pattern, n, m, q.device) for pattern in self.patterns]
        allowed = torch.stack(list(islice(cycle(masks), self.n_heads)))[None]  # (1, n_heads, N, M)
        return super().attend(q, k, v, joined(mask, allowed), tap)


class CausalAttention(PatternAttention):
    """No query attends to a later key (Vaswani et al. 2017, 3.2.3).

    It is the core with a causal mask. Queries are the last N of M keys, so it works with a cache.
    """

    def __init__(self, d_model: int, n_heads: int, d_head: int) -> None:
        super().__init__(d_model, n_heads, d_head, [causal])


class SparseAttention(PatternAttention):
    """Heads take turns between near and far keys (Child et al. 2019); `kind` "strided" or "fixed".

    O(n√n) pairs at a stride of √n. Near keys within a stride of at least M are all, and so are
    fixed far keys with `summary = stride`: then it is the core with a causal mask.
    """

    def __init__(
        self,
        d_model: int,
        n_heads: int,
        d_head: int,
        stride: int,
        kind: str = "strided",
        summary: int = 1,
    ) -> None:
        kinds = {
            "strided": (strided_near(stride), strided_far(stride)),
            "fixed": (fixed_near(stride), fixed_far(stride, summary)),
        }
        super().__init__(d_model, n_heads, d_head, kinds[kind])
