"""Patterns: which keys a query may attend to, as a function of their positions.

A pattern gets the positions of the queries (N, 1) and those of the keys (M,), and returns a
boolean (N, M). With stride l, Child et al. 2019 ("Sparse Transformers") cut causal attention into
two patterns whose composition reaches every earlier position:

    strided:  near j  iff  0 ≤ i - j < l          far j  iff  j ≤ i and (i - j) mod l = 0
    fixed:    near j  iff  j ≤ i, ⌊j/l⌋ = ⌊i/l⌋     far j  iff  j ≤ i and j mod l ≥ l - c

The Λ of Han et al. 2024 ("LM-Infinite"): j iff 0 ≤ i - j < window, or j ≤ i and j < sink.
Rows and columns are those of a grid of memory, `side` positions wide; both see both directions.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

__all__ = [
    "Pattern",
    "causal",
    "everything",
    "fixed_far",
    "fixed_near",
    "grid_column",
    "grid_row",
    "grid_summary",
    "sink_and_window",
    "strided_far",
    "strided_near",
    "visible",
]

Pattern = Callable[[Tensor, Tensor], Tensor]
"""Of positions of queries (N, 1) and keys (M,): whether the query may attend to the key."""


def visible(pattern: Pattern, n: int, m: int, device: torch.device | None = None) -> Tensor:
    """The boolean mask (n, m) of a pattern, where the queries are the last n of m positions."""
    keys = torch.arange(m, device=device)
    return pattern(keys[m - n :, None], keys)


def everything(i: Tensor, j: Tensor) -> Tensor:
    """All keys."""
    return (i >= 0) & (j >= 0)


def causal(i: Tensor, j: Tensor) -> Tensor:
    """The key at the query's own position and all before it."""
    return j <= i


def strided_near(stride: int) -> Pattern:
    """The last `stride` keys."""
    return lambda i, j: (j <= i) & (i - j < stride)


def strided_far(stride: int) -> Pattern:
    """Every `stride`-th key, counted back from the query."""
    return lambda i, j: (j <= i) & ((i - j) % stride == 0)


def fixed_near(stride: int) -> Pattern:
    """The keys of the query's own segment."""
    return lambda i, j: (j <= i) & (j // stride == i // stride)


def fixed_far(stride: int, summary: int = 1) -> Pattern:
    """The last `summary` keys of every segment, and the query's own: the first queries see one."""
    return lambda i, j: (j <= i) & ((j % stride >= stride - summary) | (j == i))


def sink_and_window(window: int, sink: int) -> Pattern:
    """The last `window` keys and the first `sink`: a Λ."""
    return lambda i, j: (j <= i) & ((i - j < window) | (j < sink))


def grid_row(side: int) -> Pattern:
    """The keys of the same row of a grid."""
    return lambda i, j: i // side == j // side


def grid_column(side: int) -> Pattern:
    """The keys of the same column of a grid."""
    return lambda i, j: i % side == j % side


def grid_summary(side: int) -> Pattern:
    """The last key of each row of a grid."""
    return lambda i, j: (i >= 0) & (j % side == side - 1)
