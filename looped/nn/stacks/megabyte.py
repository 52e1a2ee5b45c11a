"""MEGABYTE: a global model over patches of bytes, a local model over the bytes of each."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from looped.nn.model import Transformer

__all__ = ["Megabyte"]


class Megabyte(nn.Module):
    """Logits of the next byte, of patches of P bytes (Yu et al. 2023).

    The global model sees for each patch the P embeddings, of d_global / P lanes each, of the patch
    before it; it is causal over T/P patches. The local model sees at byte p of a patch a part of
    the global output, through a linear layer, plus the embedding of the byte before; it is causal
    over P bytes. O(T²/P² + T·P) pairs. With one patch (P = T) and a global model that adds nothing
    it is a causal core on bytes, to the bit.
    """

    def __init__(
        self,
        globally: Transformer,
        locally: Transformer,
        d_global: int,
        d_local: int,
        patch: int,
        positions: int,
        vocabulary: int = 256,
    ) -> None:
        super().__init__()
        if d_global % patch:
            raise ValueError(f"{patch} bytes do not divide {d_global} lanes of the global model")
        self.patch, self.vocabulary = patch, vocabulary
        self.globally, self.locally = globally, locally
        self.global_bytes = nn.Embedding(vocabulary, d_global // patch)
        self.global_positions = nn.Embedding(positions, d_global)
        self.local_bytes = nn.Embedding(vocabulary + 1, d_local)  # the last one: no byte before
        self.down = nn.Linear(d_global // patch, d_local, bias=False)
        self.local_positions = nn.Embedding(patch, d_local)
        self.unembedding = nn.Linear(d_local, vocabulary, bias=False)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map bytes (B, T), T a multiple of P, to logits (B, T, vocabulary), each of the byte at
        its own place, given those before it."""
        patches = tokens.view(len(tokens), -1, self.patch)  # (B, T/P, P)
        logits = self.bytes_of(patches.flatten(0, 1), self.contexts(tokens).flatten(0, 1))
        return logits.view(len(tokens), tokens.shape[1], -1)

    def contexts(self, tokens: Tensor) -> Tensor:
        """What the local model knows of the patches before each patch of `tokens` (B, T), for each
        of its bytes: (B, T/P, P, d_local)."""
        batch, n = tokens.shape[0], tokens.shape[1] // self.patch
        patches = self.global_bytes(tokens).view(batch, n, -1)  # (B, T/P, d_global)
        shifted = pad(patches, (0, 0, 1, -1)) + self.global_positions.weight[:n]
        made = self.globally(shifted, mask=_causal(n, tokens))  # (B, T/P, d_global)
        context: Tensor = self.down(made.view(batch, n, self.patch, -1))
        return context

    def bytes_of(self, patches: Tensor, context: Tensor) -> Tensor:
        """Logits (N, P, vocabulary) of the bytes of patches (N, P) in their contexts (N, P,
        d_local), each given the bytes before it in its patch."""
        before = pad(patches, (1, -1), value=self.vocabulary)
        x = self.local_bytes(before) + self.local_positions.weight + context
        logits: Tensor = self.unembedding(self.locally(x, mask=_causal(self.patch, patches)))
        return logits


def _causal(n: int, like: Tensor) -> Tensor:
    return torch.ones(n, n, dtype=torch.bool, device=like.device).tril()
