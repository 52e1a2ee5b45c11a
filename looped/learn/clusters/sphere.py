"""Tokens on the unit sphere that attend to each other and move (Geshkovski et al. 2023).

    dx_i/dt = P(x_i) (1/Z_i) Σ_j exp(β ⟨x_i, x_j⟩) x_j        P(x) y = y - ⟨x, y⟩ x

"A mathematical perspective on Transformers": queries, keys and values are the tokens themselves.
Tokens gather in clusters. For small β they soon form a single one; for large β several clusters
live for a long time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["Phase", "clusters", "flow", "phases"]

_STEP = 0.1
"""The Euler step, as in the pictures of the paper."""

_TOGETHER = 0.99
"""Tokens of one cluster have at least this inner product, an angle of 8°, directly or by way of
others."""


@dataclass(frozen=True, slots=True)
class Phase:
    """The mean number of clusters of `tokens` tokens in a dimension, at β, after some time."""

    beta: float
    dimension: int
    time: float
    tokens: int
    clusters: float


def flow(x: Tensor, beta: float, time: float) -> Tensor:
    """Move tokens (B, N, d) of norm 1 for a time, by Euler steps and projection to the sphere."""
    for _ in range(round(time / _STEP)):
        mixed = torch.softmax(beta * (x @ x.mT), -1) @ x  # (B, N, d)
        along = (mixed * x).sum(-1, keepdim=True)
        x = torch.nn.functional.normalize(x + _STEP * (mixed - along * x), dim=-1)
    return x


def clusters(x: Tensor) -> Tensor:
    """The number of clusters (B,) of tokens (B, N, d) of norm 1."""
    joined = (x @ x.mT >= _TOGETHER).float()
    for _ in range(math.ceil(math.log2(x.shape[1]))):
        joined = (joined @ joined > 0).float()  # a path twice as long
    first = joined.argmax(-1)  # the first token of the own cluster
    own = torch.arange(x.shape[1], device=x.device)
    return (first == own).sum(-1)


def phases(
    betas: tuple[float, ...],
    dimensions: tuple[int, ...],
    times: tuple[float, ...],
    tokens: int = 32,
    runs: int = 8,
    seed: int = 0,
) -> list[Phase]:
    """The phase diagram: the number of clusters at each β, dimension and time, over random runs."""
    found = []
    for dimension in dimensions:
        drawn = torch.randn(runs, tokens, dimension, generator=torch.Generator().manual_seed(seed))
        begin = torch.nn.functional.normalize(drawn, dim=-1)
        for beta in betas:
            x, now = begin, 0.0
            for time in sorted(times):
                x, now = flow(x, beta, time - now), time
                mean = clusters(x).float().mean().item()
                found.append(Phase(beta, dimension, time, tokens, mean))
    return found
