"""Rounding a found part: what it computes in fewer lanes and with few values of weights.

Descent spreads a weight over all lanes that say the same in the columns that a part reads. So each
lane that is a linear combination of earlier lanes, in all recorded loops, gives its weights to
those. This changes nothing in these loops. Then the products of a head, W_Qᵀ W_K and W_O W_V
(Elhage et al. 2021, "A Mathematical Framework for Transformer Circuits"), are rounded to quarters
of their largest entry and of one. The head gets the temperature of the compiled one. The weights of
units are rounded to sixteenths.
"""

from __future__ import annotations

import torch
from torch import Tensor

from looped.analysis.weights import HeadWeights
from looped.learn.circuits.descent import Found
from looped.learn.circuits.recorded import Part, Recorded

__all__ = ["combined", "rounded", "rounded_head"]

_QUARTERS, _SIXTEENTHS = 4, 16

_RESIDUE = 1e-6
"""The share of a lane's square that earlier lanes leave over when it is a combination of them."""

_SAMPLED = 600
"""Loops from which combinations are read."""


def rounded(part: Part, found: Found, compiled: Found, loops: Recorded, columns: Tensor) -> Found:
    """A copy of a found part with rounded weights; `columns` (1, Q) are those in which it works."""
    new = Found(found.heads, found.gate, found.up, found.down)
    asked = combined(loops.before[:, columns[0]])
    context = combined(loops.before)
    inner = combined(loops.middle[:, columns[0]])
    with torch.no_grad():
        for index, head in enumerate(found.heads):
            read = combined(_read(head, loops, columns))
            own = rounded_head(head, compiled.heads[index], asked, context, read)
            for kind in ("w_q", "w_k", "w_v", "w_o"):
                getattr(new, kind)[index].copy_(getattr(own, kind))
        for matrix in (new.gate, new.up):
            matrix.copy_(_grid(matrix @ inner, _SIXTEENTHS))
        new.down.copy_(_grid(new.down, _SIXTEENTHS))
    return new.requires_grad_(False)


def rounded_head(
    head: HeadWeights[Tensor],
    compiled: HeadWeights[Tensor],
    asked: Tensor,
    context: Tensor,
    read: Tensor,
) -> HeadWeights[Tensor]:
    """A head with rounded products, at the temperature of the compiled one.

    `asked`, `context` and `read` (d_model, d_model) are the combinations of the columns that ask,
    of all columns, and of those that it reads. A product with more rows than the head has
    dimensions keeps the largest ones.
    """
    scores = (head.w_q @ asked).T @ (head.w_k @ context)  # (d_model, d_model)
    scores[:, 0] = 0  # the first lane is one in every column: the softmax does not see it
    scores = _grid(scores / scores.abs().max(), _QUARTERS)
    moved = _grid(head.w_o @ head.w_v @ read, _QUARTERS)  # (d_model, d_model)
    largest = (compiled.w_q.T @ compiled.w_k).abs().max()
    w_q, w_k = _factors(scores, len(head.w_q))
    w_o, w_v = _factors(moved, len(head.w_v))
    return HeadWeights(w_q.T * largest, w_k, w_v, w_o)


def combined(x: Tensor) -> Tensor:
    """The matrix (d_model, d_model) that gives the weights of each lane to the earliest lanes of
    which it is a linear combination in the columns x (loops, Q, d_model)."""
    flat = x[:: max(1, len(x) // _SAMPLED)].flatten(0, 1).double()
    gram = flat.T @ flat  # (d_model, d_model)
    result, kept = torch.zeros_like(gram), list[int]()
    for lane in range(len(gram)):
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


def _read(head: HeadWeights[Tensor], loops: Recorded, columns: Tensor) -> Tensor:
    """The columns (loops, Q, d_model) that get the largest weight."""
    scores = loops.before[:, columns[0]] @ head.w_q.T @ (loops.before @ head.w_k.T).mT
    best = scores.argmax(-1)  # (loops, Q)
    return loops.before.gather(1, best[..., None].expand(-1, -1, loops.before.shape[-1]))


def _factors(product: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Matrices (d_model, size) and (size, d_model) whose product has the largest `size` rows."""
    rows = product.abs().sum(1).argsort(descending=True)[:size].sort().values
    chosen = torch.zeros(len(product), size)
    chosen[rows, torch.arange(size)] = 1
    return chosen, product[rows]


def _grid(matrix: Tensor, parts: int) -> Tensor:
    return (matrix * parts).round() / parts
