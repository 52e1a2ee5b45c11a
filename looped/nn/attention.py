"""Multi-head softmax attention, self-attention or cross-attention."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

__all__ = ["Attention"]


class Attention(nn.Module):
    """`softmax(Q Kᵀ / √d_head) V` with uniform heads and no biases (Vaswani et al. 2017, 3.2).

    `n_heads * d_head` need not equal `d_model`.
    """

    def __init__(self, d_model: int, n_heads: int, d_head: int) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.d_head = d_head
        self.q_proj = nn.Linear(d_model, n_heads * d_head, bias=False)
        self.k_proj = nn.Linear(d_model, n_heads * d_head, bias=False)
        self.v_proj = nn.Linear(d_model, n_heads * d_head, bias=False)
        self.o_proj = nn.Linear(n_heads * d_head, d_model, bias=False)

    def forward(
        self, x: Tensor, context: Tensor | None = None, mask: Tensor | None = None
    ) -> Tensor:
        """Map `x` (B, N, d_model) to (B, N, d_model).

        Keys and values come from `context` (B, M, d_model), by default `x`. `mask` broadcasts to
        (B, n_heads, N, M): a boolean mask (True: the query may attend to the key) or a bias that is
        added to the scores.
        """
        source = x if context is None else context
        q = self._split(self.q_proj(x))  # (B, n_heads, N, d_head)
        k = self._split(self.k_proj(source))  # (B, n_heads, M, d_head)
        v = self._split(self.v_proj(source))  # (B, n_heads, M, d_head)
        mixed = scaled_dot_product_attention(q, k, v, attn_mask=mask)  # (B, n_heads, N, d_head)
        joined: Tensor = self.o_proj(mixed.transpose(1, 2).flatten(2))  # (B, N, d_model)
        return joined

    def _split(self, x: Tensor) -> Tensor:
        return x.view(*x.shape[:2], self.n_heads, self.d_head).transpose(1, 2)
