"""Readers: an embedding, a stack of blocks or a looped block, and a linear map to two answers.

Both are causal. A bias on the scores tells a head the distance of a column, up to a limit, so no
position is new at a greater length (Raffel et al. 2020, "T5", relative position biases).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from looped.nn import Attention, Block, GatedMLP

__all__ = ["Fixed", "Looped", "Reader"]

_WIDTH, _HEADS, _UNITS = 64, 4, 128

_FAR = 4
"""All columns at this distance or a greater one have one bias."""


class Reader(nn.Module):
    """What both have: `answers(x)` are scores (B, N, 2) of a residual stream (B, N, d_model)."""

    def __init__(self, tokens: int, blocks: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(tokens, _WIDTH)
        self.blocks = nn.ModuleList(_block() for _ in range(blocks))
        self.distances = nn.Parameter(torch.zeros(blocks, _HEADS, _FAR + 1))
        self.norm = nn.RMSNorm(_WIDTH, eps=1e-6)
        self.head = nn.Linear(_WIDTH, 2)

    def through(self, x: Tensor) -> Tensor:
        """One pass through all blocks, (B, N, d_model)."""
        biases = self._biases(x.shape[1])
        for block, bias in zip(self.blocks, biases, strict=True):
            x = block(x, mask=bias)
        return x

    def answers(self, x: Tensor) -> Tensor:
        """The scores of both answers at each place."""
        scores: Tensor = self.head(self.norm(x))
        return scores

    def _biases(self, places: int) -> Tensor:
        """The biases of all blocks, (blocks, heads, N, N); -∞ for columns that come later."""
        here = torch.arange(places, device=self.distances.device)
        distance = here[:, None] - here
        later = torch.zeros(places, places, device=here.device).masked_fill(distance < 0, -math.inf)
        return self.distances[:, :, distance.clamp(0, _FAR)] + later


class Looped(Reader):
    """One block, applied again and again to its own output plus the input (input injection)."""

    def __init__(self, tokens: int) -> None:
        super().__init__(tokens, blocks=1)

    def forward(self, tokens: Tensor, loops: int) -> Tensor:
        """Scores (B, N, 2) after so many loops."""
        injected = self.embedding(tokens)  # (B, N, d_model)
        x = torch.zeros_like(injected)
        for _ in range(loops):
            x = self.through(x + injected)
        return self.answers(x)

    def halting(self, tokens: Tensor, most: int, confidence: float) -> tuple[Tensor, Tensor]:
        """The answers (B, N) of each row when it halts, and the loop (B,) in which it does.

        A row halts when its answers are those of the loop before and the probability of each is at
        least `confidence`; at the latest after `most` loops.
        """
        injected = self.embedding(tokens)
        x = torch.zeros_like(injected)
        before = torch.full_like(tokens, -1)
        held, loops = before, torch.full((len(tokens),), most, device=tokens.device)
        running = torch.ones(len(tokens), dtype=torch.bool, device=tokens.device)
        for loop in range(1, most + 1):
            x = self.through(x + injected)
            sure, now = self.answers(x).softmax(-1).max(-1)  # (B, N)
            stops = (now == before).all(-1) & (sure.min(-1).values >= confidence)
            ends = running & (stops | (loop == most))
            held = torch.where(ends[:, None], now, held)
            loops = torch.where(ends, loop, loops)
            running, before = running & ~ends, now
            if not bool(running.any()):
                break
        return held, loops


class Fixed(Reader):
    """A stack of blocks with weights of their own."""

    def __init__(self, tokens: int, blocks: int) -> None:
        super().__init__(tokens, blocks)

    def forward(self, tokens: Tensor) -> Tensor:
        """Scores (B, N, 2)."""
        return self.answers(self.through(self.embedding(tokens)))


def _block() -> Block:
    def norm() -> nn.Module:
        return nn.RMSNorm(_WIDTH, eps=1e-6)

    attention = Attention(_WIDTH, _HEADS, _WIDTH // _HEADS)
    return Block(norm(), attention, norm(), GatedMLP(_WIDTH, _UNITS))
