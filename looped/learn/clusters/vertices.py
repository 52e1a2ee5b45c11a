"""The life of address codes under attention to themselves.

The tokens are all vertices of a cube, the codes by which heads find columns, with a little noise.
`x ← RMSNorm(softmax(β X Xᵀ) X)` moves them towards each other. A code is lost when one of its signs
changes. The nearest rival of a vertex has a score lower by 2β, so the leak per step is about
bits · exp(-2β), and the logarithm of the life is linear in β: a metastable state.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

__all__ = ["Life", "life", "slope"]


@dataclass(frozen=True, slots=True)
class Life:
    """How many steps all signs stay right at β; None if they do to the last step."""

    beta: float
    steps: int | None


def life(beta: float, bits: int = 5, most: int = 3000, noise: float = 1e-3, seed: int = 0) -> Life:
    """Iterate the vertices of a cube with `bits` dimensions until a sign is wrong."""
    numbers = torch.arange(1 << bits)
    codes = 2.0 * (numbers[:, None] >> torch.arange(bits) & 1) - 1  # (N, bits)
    x = codes + noise * torch.randn(codes.shape, generator=torch.Generator().manual_seed(seed))
    for step in range(1, most + 1):
        x = torch.softmax(beta * (x @ x.mT), -1) @ x
        x = x / x.square().mean(-1, keepdim=True).sqrt()
        if bool((x * codes <= 0).any()):
            return Life(beta, step)
    return Life(beta, None)


def slope(lives: list[Life]) -> tuple[float, float]:
    """The slope of ln(life) in β, and R² of the line, over the lives that end."""
    ended = [(each.beta, math.log(each.steps)) for each in lives if each.steps]
    mean_x, mean_y = (sum(part) / len(ended) for part in zip(*ended, strict=True))
    sxx = sum((x - mean_x) ** 2 for x, _ in ended)
    syy = sum((y - mean_y) ** 2 for _, y in ended)
    sxy = sum((x - mean_x) * (y - mean_y) for x, y in ended)
    return sxy / sxx, sxy * sxy / (sxx * syy)
