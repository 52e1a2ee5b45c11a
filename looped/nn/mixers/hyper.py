"""HyperAttention: exact attention within a block of keys of like hash, and a sample of the rest."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from looped.nn.hooks import Tap
from looped.nn.mixers.hashing import hashed
from looped.nn.mixers.tiles import Tiles, taken, tiles
from looped.nn.mixers.variant import Variant

__all__ = ["HyperAttention"]


class HyperAttention(Variant):
    """Attention in O(N log N) by sorted hashes (Han et al. 2024, "HyperAttention").

    Keys are sorted by the hash of `planes` (bits, d_head) and cut into blocks of `block`. A query
    attends to one of them: to the block of its own rank among the sorted queries (`align` "rank",
    the paper's), or to the one that has the first key of its hash ("search"). Ranks agree only if
    queries and keys have the same histogram of hashes; a search finds the key also where many
    queries have one hash. With different hashes for all keys it is right wherever softmax is
    one-hot. In addition a query attends to `sample` keys, drawn uniformly, each for M / sample of
    them: its logit gets the log. With a `block` of at least M it is the core.
    """

    planes: Tensor

    def __init__(
        self,
        d_model: int,
        n_heads: int,
        d_head: int,
        planes: Tensor,
        block: int = 256,
        sample: int = 0,
        align: str = "search",
        seed: int = 0,
    ) -> None:
        super().__init__(d_model, n_heads, d_head)
        self.register_buffer("planes", planes)
        self.block, self.sample, self.align, self.seed = block, sample, align, seed

    def attend(
        self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, tap: Tap | None = None
    ) -> Tensor:
        """What each head mixes; without scores for a `tap`. Raises ValueError for a mask."""
        if k.shape[2] <= self.block:
            return super().attend(q, k, v, mask, tap)
        if mask is not None:
            raise ValueError("HyperAttention takes no mask")
        return self._hashed(q, k, v)

    def _hashed(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """What `_softmax` makes of each query and its keys, in the order of the queries."""
        n, m = q.shape[2], k.shape[2]
        q_hash, k_hash = hashed(q, self.planes), hashed(k, self.planes)  # (B, n_heads, N or M)
        sorted_hash, order = k_hash.sort(stable=True)  # (B, n_heads, M)
        if self.align == "search":
            start = torch.searchsorted(sorted_hash, q_hash).clamp(max=m - 1)  # (B, n_heads, N)
        else:
            start = q_hash.argsort(stable=True).argsort() * m // n  # (B, n_heads, N)
        blocks = -(-m // self.block)
        return self._in_tiles(q, k, v, order, tiles(start // self.block, blocks, self.block))

    def _in_tiles(self, q: Tensor, k: Tensor, v: Tensor, order: Tensor, queries: Tiles) -> Tensor:
        """Attention of each tile to its block of the keys in `order`, and to the sample."""
        m, size = k.shape[2], self.block
        begin = (queries.group * size).clamp(max=m - size)  # (B, n_heads, T); blocks are whole
        window = begin[..., None] + torch.arange(size, device=q.device)  # (B, n_heads, T, size)
        own = order.gather(2, window.flatten(2)).view(window.shape)
        bias = None
        if self.sample:
            generator = torch.Generator().manual_seed(self.seed)
            drawn = torch.randint(m, (self.sample,), generator=generator).to(q.device)
            twice = (drawn[:, None] == own[..., None, :]).any(-1)  # (B, n_heads, T, sample)
            rest = torch.full_like(twice, math.log(m / self.sample), dtype=q.dtype)
            rest = rest.masked_fill(twice, -math.inf)
            bias = torch.cat([torch.zeros_like(own, dtype=q.dtype), rest], -1)
            own = torch.cat([own, drawn.expand(*own.shape[:3], self.sample)], -1)
        keys, values = (taken(x, own.flatten(2)).view(*own.shape, -1) for x in (k, v))
        bias = None if bias is None else bias[..., None, :]
        return queries.returned(self._softmax(queries.gathered(q), keys, values, bias))

    def _softmax(self, q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None) -> Tensor:
        """Attention of (…, N, d_head)."""
        return scaled_dot_product_attention(q, k, v, attn_mask=bias)
