"""HyperAttention: exact attention within a block of keys of like hash, and a sample of the rest."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from looped.nn.hooks import Tap
from looped.nn.mixers.hashing import hashed
from looped.nn.mixers.variant import Variant

__all__ = ["HyperAttention"]


class HyperAttention(Variant):
    """Attention in O(N log N) by sorted hashes (Han et al. 2024, "HyperAttention").

    Keys are sorted by the hash of `planes` (bits, d_head). A query attends to `block` of them: to
    the block of its own rank among the queries (`align` "rank", the paper's), or to those from the
    first key of its own hash on ("search"). Ranks agree only if queries and keys have the same
    histogram of hashes; a search finds the key also if many queries have one hash. In addition it
    attends to `sample` keys, drawn uniformly, each for M / sample of them: its logit gets the log.
    With a `block` of at least M it is the core. Causal attention and masks are not supported.
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
        n, m = q.shape[2], k.shape[2]
        if m <= self.block:
            return super().attend(q, k, v, mask, tap)
        if mask is not None:
            raise ValueError("HyperAttention takes no mask")
        q_hash, k_hash = hashed(q, self.planes), hashed(k, self.planes)  # (B, n_heads, N or M)
        sorted_hash, order = k_hash.sort(stable=True)  # (B, n_heads, M)
        if self.align == "search":
            start = torch.searchsorted(sorted_hash, q_hash)  # (B, n_heads, N)
        else:
            rank = q_hash.argsort(stable=True).argsort()  # (B, n_heads, N)
            start = rank * m // n // self.block * self.block
        start = start.clamp(max=m - self.block)
        window = start[..., None] + torch.arange(self.block, device=q.device)
        own = order.gather(2, window.flatten(2)).view(window.shape)
        return self._among(q, k, v, own)

    def _among(self, q: Tensor, k: Tensor, v: Tensor, own: Tensor) -> Tensor:
        """Attention of every query to its `own` keys (B, n_heads, N, block) and to the sample."""
        bias = torch.zeros_like(own, dtype=q.dtype)  # (B, n_heads, N, block)
        if self.sample:
            generator = torch.Generator().manual_seed(self.seed)
            drawn = torch.randint(k.shape[2], (self.sample,), generator=generator).to(q.device)
            twice = (drawn[:, None] == own[..., None, :]).any(-1)  # (B, n_heads, N, sample)
            weight = math.log(k.shape[2] / self.sample)
            rest = torch.full_like(twice, weight, dtype=q.dtype).masked_fill(twice, -math.inf)
            bias = torch.cat([bias, rest], -1)
            own = torch.cat([own, drawn.expand(*own.shape[:3], self.sample)], -1)
        keys, values = (_taken(x, own) for x in (k, v))  # (B, n_heads, N, block + sample, d_head)
        mixed = scaled_dot_product_attention(
            q[..., None, :], keys, values, attn_mask=bias[..., None, :]
        )
        return mixed[..., 0, :]  # (B, n_heads, N, d_head)


def _taken(x: Tensor, places: Tensor) -> Tensor:
    """The rows of `x` (B, n_heads, M, d_head) at `places` (B, n_heads, N, K)."""
    index = places.flatten(2)[..., None].expand(-1, -1, -1, x.shape[3])
    return x.gather(2, index).view(*places.shape, x.shape[3])
