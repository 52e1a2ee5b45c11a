"""Encoder and decoder: one stack reads, the other writes and looks at what was read."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from looped.nn.model import Transformer

__all__ = ["EncoderDecoder"]


class EncoderDecoder(nn.Module):
    """`Z = encoder(source)`, once; `decoder(x, Z)` with a causal mask (Vaswani et al. 2017, 3.1).

    The decoder's blocks are DecoderBlocks. If their cross-attention writes nothing, the decoder is
    the core's stack with a causal mask to the bit; the encoder is the core's stack in any case.
    """

    def __init__(self, encoder: Transformer, decoder: Transformer) -> None:
        super().__init__()
        self.encoder, self.decoder = encoder, decoder

    def encode(self, source: Tensor, mask: Tensor | None = None) -> Tensor:
        """What the decoder sees (B, M, d_model) of a `source` (B, M, d_model)."""
        encoded: Tensor = self.encoder(source, mask=mask)
        return encoded

    def decode(self, x: Tensor, encoded: Tensor) -> Tensor:
        """Map what is written so far, `x` (B, N, d_model), to (B, N, d_model)."""
        n = x.shape[1]
        causal = torch.ones(n, n, dtype=torch.bool, device=x.device).tril()
        result: Tensor = self.decoder(x, encoded, causal)
        return result

    def forward(self, source: Tensor, x: Tensor) -> Tensor:
        """`decode` of `encode`: (B, M, d_model) and (B, N, d_model) to (B, N, d_model)."""
        return self.decode(x, self.encode(source))
