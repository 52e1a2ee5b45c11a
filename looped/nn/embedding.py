"""Embedding and unembedding: tokens to a residual stream, and back to logits."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["TokenEmbedding", "Unembedding"]


class TokenEmbedding(nn.Module):
    """`X_p = W_E[token_p] + code(p)`; the code is one of `looped.nn.position`, as wide as X.

    With NoCode it is `torch.nn.Embedding`, to the bit.
    """

    def __init__(self, vocabulary: int, d_model: int, code: nn.Module) -> None:
        super().__init__()
        self.tokens = nn.Embedding(vocabulary, d_model)
        self.code = code

    def forward(self, tokens: Tensor, start: int = 0) -> Tensor:
        """Map tokens (B, N), at positions `start` and after, to (B, N, d_model)."""
        positions = torch.arange(start, start + tokens.shape[1], device=tokens.device)
        x: Tensor = self.tokens(tokens) + self.code(positions)  # (B, N, d_model)
        return x


class Unembedding(nn.Module):
    """Logits `X W_Uᵀ`, one a token; `tied` has W_U = W_E (Press and Wolf 2017).

    If the rows are ±1 codes and x is one of them, its logit is the greatest by 2 at least: the
    choice of the greatest logit gives the token back.
    """

    def __init__(self, d_model: int, vocabulary: int) -> None:
        super().__init__()
        self.weight: Tensor = nn.Parameter(torch.randn(vocabulary, d_model) / d_model**0.5)

    @classmethod
    def tied(cls, embedding: TokenEmbedding) -> Unembedding:
        """An unembedding that shares the weights of an embedding."""
        vocabulary, d_model = embedding.tokens.weight.shape
        made = cls(d_model, vocabulary)
        made.weight = embedding.tokens.weight
        return made

    def forward(self, x: Tensor) -> Tensor:
        """Map `x` (..., d_model) to logits (..., vocabulary)."""
        return x @ self.weight.mT
