"""Rounding a found part: what it computes in fewer lanes and with few values of weights.

Descent spreads a weight over all lanes that say the same in the columns that a part reads. So each
lane that is a linear combination of earlier lanes, in all recorded loops, gives its weights to
those; among the keys of a head, lanes of the word with the largest weights come first. This changes
nothing in these loops. Then the products of a head (Elhage et al. 2021, "A Mathematical Framework
for Transformer Circuits") are rounded: W_O W_V to quarters, W_Qᵀ W_K to eighths of its largest
entry, after few of its weights are left (`sparse`). The largest score becomes eight times that of
the compiled head, so that an eighth is as sharp as it. The weights of units are rounded to
quarters. Finer grids follow for all except W_O W_V; the coarsest one with the most exact loops is
taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain

import torch
from torch import Tensor

from looped.analysis.weights import HeadWeights
from looped.learn.circuits.descent import Found, ends
from looped.learn.circuits.recorded import Part, Recorded, head_output
from looped.learn.circuits.sparse import sparse

__all__ = ["combined", "rounded"]

_GRIDS = (4, 8, 16, 32)
"""Parts of one. The scores of heads have twice as many."""

_RESIDUE = 1e-6
"""The share of a lane's square that earlier lanes leave over when it is a combination of them."""

_SAMPLED = 600
"""Loops from which combinations are read."""


def rounded(
    part: Part,
    found: Found,
    compiled: Found,
    loops: Recorded,
    words: Iterable[Sequence[int]] = (),
) -> Found:
    """A copy of a found part with rounded weights; the loops are those from which it is found.

    `words` are the lanes of each word.
    """
    some = loops.first(_SAMPLED)
    every = torch.arange(some.before.shape[1]).expand(len(some), -1)
    products = [
        _products(head, old, some.before, tuple(words))
        for head, old in zip(found.heads, compiled.heads, strict=True)
    ]

    def exact(new: Found) -> int:
        own, wanted = ends(part, new, compiled, some, every)
        return int((own == wanted).flatten(1).all(-1).sum())

    return max((_copy(found, compiled, some, products, grid) for grid in _GRIDS), key=exact)


def _copy(
    found: Found,
    compiled: Found,
    loops: Recorded,
    products: Sequence[tuple[Tensor, Tensor]],
    grid: int,
) -> Found:
    new = Found(found.heads, found.gate, found.up, found.down)
    middle = combined(loops.middle)
    with torch.no_grad():
        for index, (scores, moved) in enumerate(products):
            own = _head(compiled.heads[index], scores, moved, grid)
            for kind in ("w_q", "w_k", "w_v", "w_o"):
                getattr(new, kind)[index].copy_(getattr(own, kind))
        for old, matrix in ((found.gate, new.gate), (found.up, new.up)):
            matrix.copy_(_grid(old @ middle, grid))
        new.down.copy_(_grid(found.down, grid))
    return new.requires_grad_(False)


def _products(
    head: HeadWeights[Tensor],
    compiled: HeadWeights[Tensor],
    x: Tensor,
    words: Sequence[Sequence[int]],
) -> tuple[Tensor, Tensor]:
    """W_Qᵀ W_K, sparse, and W_O W_V, rounded, (d_model, d_model) each, for all columns x
    (loops, N, d_model)."""
    weights = (head.w_q.T @ head.w_k).abs().sum(0)
    queries, keys = combined(x), combined(x, _order(weights, words))
    scores = (head.w_q @ queries).T @ (head.w_k @ keys)  # (d_model, d_model)
    scores[:, 0] = 0  # the first lane is one in every column: the softmax does not see it
    moved = _grid(head.w_o @ head.w_v @ combined(_read(head, x)), _GRIDS[0])
    added, wanted = x @ moved.T, head_output(compiled, x, x)
    right = (added[:, None] == wanted[:, :, None]).all(-1)  # (loops, N, N)
    return sparse(scores, x, right, words), moved


def _order(weights: Tensor, words: Sequence[Sequence[int]]) -> list[int]:
    """The lanes: words of one lane, the other words, that with the largest weights first, and what
    is in no word."""
    largest = sorted(words, key=lambda lanes: (len(lanes) > 1, -weights[list(lanes)].sum().item()))
    return list(dict.fromkeys([*chain(*largest), *range(len(weights))]))


def _head(
    compiled: HeadWeights[Tensor], scores: Tensor, moved: Tensor, grid: int
) -> HeadWeights[Tensor]:
    """A head with rounded products, as sharp as the compiled one.

    A product with more rows than the head has dimensions keeps the largest ones.
    """
    scores = _grid(scores / scores.abs().max(), 2 * grid)
    largest = 2 * grid * (compiled.w_q.T @ compiled.w_k).abs().max()
    w_q, w_k = _factors(scores, len(compiled.w_q))
    w_o, w_v = _factors(moved, len(compiled.w_v))
    return HeadWeights(w_q.T * largest, w_k, w_v, w_o)


def combined(x: Tensor, order: Sequence[int] | None = None) -> Tensor:
    """The matrix (d_model, d_model) that gives the weights of each lane to earlier lanes of which
    it is a linear combination in the columns x (loops, Q, d_model).

    `order` has all lanes, the earliest first; by default 0, 1, 2, …
    """
    flat = x.flatten(0, 1).double()
    gram = flat.T @ flat  # (d_model, d_model)
    result, kept = torch.zeros_like(gram), list[int]()
    for lane in range(len(gram)) if order is None else order:
        if gram[lane, lane] == 0:
            continue
        share = torch.linalg.lstsq(gram[kept][:, kept], gram[kept, lane, None]).solution[:, 0]
        left = gram[lane, lane] - share @ gram[kept, lane]
        if left > _RESIDUE * gram[lane, lane]:
            kept.append(lane)
            result[lane, lane] = 1
        else:
            result[lane, kept] = share
    return result.float()


def _read(head: HeadWeights[Tensor], x: Tensor) -> Tensor:
    """The columns (loops, columns, d_model) that get the largest weight."""
    best = (x @ head.w_q.T @ (x @ head.w_k.T).mT).argmax(-1)  # (loops, columns)
    return x.gather(1, best[..., None].expand(-1, -1, x.shape[-1]))


def _factors(product: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Matrices (d_model, size) and (size, d_model) whose product has the largest `size` rows."""
    rows = product.abs().sum(1).argsort(descending=True)[:size].sort().values
    chosen = torch.zeros(len(product), size)
    chosen[rows, torch.arange(size)] = 1
    return chosen, product[rows]


def _grid(matrix: Tensor, parts: int) -> Tensor:
    return (matrix * parts).round() / parts
