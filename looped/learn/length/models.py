"""Readers: an embedding, a stack of blocks or a looped block, and a linear map to two answers.

Both are causal, and begin with a start token. A head prefers the previous place: its bias falls
with the distance from it by a learned slope (Press et al. 2022, "ALiBi", moved by one place). So no
position is new at a greater length, and far places do not add up.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from looped.learn.length.recipe import EXTRA, TRAINED, Recipe
from looped.nn import Attention, Block, GatedMLP

__all__ = ["Fixed", "Looped", "Reader"]

_WIDTH, _UNITS = 64, 128

_SLOPES = (1.0, 2.0, 3.0, 4.0)
"""The initial slope of each head."""


class Reader(nn.Module):
    """What both have: embedding, blocks with the biases of their heads, scores of two answers."""

    def __init__(self, tokens: int, blocks: int, previous: bool = True) -> None:
        super().__init__()
        self.start = tokens
        self.embedding = nn.Embedding(tokens + 1, _WIDTH)
        self.blocks = nn.ModuleList(_block() for _ in range(blocks))
        slopes = torch.tensor([_SLOPES] * blocks).log()  # (blocks, heads)
        self.slopes = nn.Parameter(slopes) if previous else None
        self.norm = _norm()
        self.head = nn.Linear(_WIDTH, 2)

    def embedded(self, tokens: Tensor) -> Tensor:
        """The residual stream (B, N + 1, d_model) of tokens (B, N), a start token before them."""
        x: Tensor = self.embedding(pad(tokens, (1, 0), value=self.start))
        return x

    def answers(self, x: Tensor) -> Tensor:
        """The scores (B, N, 2) of both answers at each place."""
        scores: Tensor = self.head(self.norm(x[:, 1:]))
        return scores

    def biases(self, columns: int) -> Tensor:
        """The biases of all blocks, (blocks, heads, N, N); -∞ for columns that come later."""
        here = torch.arange(columns, device=self.embedding.weight.device)
        distance = here[:, None] - here
        later = torch.zeros(columns, columns, device=here.device)
        later = later.masked_fill(distance < 0, -math.inf)
        if self.slopes is None:
            return later.expand(len(self.blocks), len(_SLOPES), -1, -1)
        return later - self.slopes.exp()[:, :, None, None] * (distance - 1).abs()


class Looped(Reader):
    """One block, applied again and again to its own output plus the input."""

    def __init__(self, tokens: int, recipe: Recipe | None = None) -> None:
        self.recipe = recipe or Recipe()
        blocks = 1 if self.recipe.tying else TRAINED + EXTRA
        super().__init__(tokens, blocks, self.recipe.previous)
        self.between = _norm() if self.recipe.norm else nn.Identity()

    def forward(self, tokens: Tensor, loops: int) -> Tensor:
        """Scores (B, N, 2) after so many loops."""
        (last,) = deque(self.states(tokens, loops), maxlen=1)
        return self.answers(last)

    def states(self, tokens: Tensor, loops: int) -> Iterator[Tensor]:
        """The state (B, N + 1, d_model) after each loop."""
        injected = self.embedded(tokens)
        biases = self.biases(injected.shape[1])
        x = torch.zeros_like(injected)
        for loop in range(loops):
            if loop == 0 or self.recipe.injection:
                x = x + injected
            number = min(loop, len(self.blocks) - 1)
            x = self.between(self.blocks[number](x, mask=biases[number]))
            yield x

    def halting(self, tokens: Tensor, most: int) -> tuple[Tensor, Tensor]:
        """The answers (B, N) of each row in its most confident loop, and that loop (B,).

        The confidence is the mean log probability of the answers (Fan et al. 2024, "Looped
        Transformers for Length Generalization"). Of equals the first loop counts.
        """
        best = torch.full((len(tokens),), -math.inf, device=tokens.device)
        held, loops = torch.zeros_like(tokens), torch.zeros_like(tokens[:, 0])
        for loop, x in enumerate(self.states(tokens, most), start=1):
            sure, now = self.answers(x).log_softmax(-1).max(-1)  # (B, N)
            better = sure.mean(-1) > best
            best = torch.where(better, sure.mean(-1), best)
            held = torch.where(better[:, None], now, held)
            loops = torch.where(better, loop, loops)
        return held, loops


class Fixed(Reader):
    """A stack of blocks with weights of their own."""

    def forward(self, tokens: Tensor) -> Tensor:
        """Scores (B, N, 2)."""
        x = self.embedded(tokens)
        for block, bias in zip(self.blocks, self.biases(x.shape[1]), strict=True):
            x = block(x, mask=bias)
        return self.answers(x)


def _block() -> Block:
    heads = len(_SLOPES)
    attention = Attention(_WIDTH, heads, _WIDTH // heads)
    return Block(_norm(), attention, _norm(), GatedMLP(_WIDTH, _UNITS))


def _norm() -> nn.Module:
    return nn.RMSNorm(_WIDTH, eps=1e-6)
