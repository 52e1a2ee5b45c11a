"""The fewest weights with which a head still attends to columns that give the right output.

A softmax needs few of the weights that descent leaves. So weights go, from the smallest on, as long
as the head attends to a right column in all recorded loops, by a part of the first margin: all
weights of a word, all of a lane, then single ones.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

__all__ = ["margin", "sparse"]

_SHARE = 0.25
"""The part of the first margin that is left over."""


def sparse(scores: Tensor, x: Tensor, right: Tensor, words: Sequence[Sequence[int]] = ()) -> Tensor:
    """Scores (d_model, d_model), query lanes by key lanes, with as few weights as possible.

    Of columns x (loops, N, d_model), `right` (loops, N, N) says which ones each may attend to.
    `words` are the lanes of each word. If the margin is not positive at first, nothing goes.
    Rounds follow each other until one changes nothing: a weight may need another one.
    """
    least = _SHARE * margin(x @ scores @ x.mT, right)
    if least <= 0:
        return scores
    before = -1
    while before != (before := int((scores != 0).sum())):
        for lanes in (words, [[lane] for lane in range(len(scores))]):
            for axis in (1, 0):
                for mask in _masks(scores, axis, lanes):
                    fewer = scores * (1 - mask)
                    if margin(x @ fewer @ x.mT, right) >= least:
                        scores = fewer
        scores = _single(scores, x, right, least)
    return scores


def _masks(scores: Tensor, axis: int, groups: Sequence[Sequence[int]]) -> list[Tensor]:
    """A mask (d_model, 1) or (1, d_model) for each group of lanes, the least weights first."""
    weights = scores.abs().sum(1 - axis)
    masks = []
    for lanes in sorted(groups, key=lambda lanes: weights[list(lanes)].sum().item()):
        mask = torch.zeros(len(scores))
        mask[list(lanes)] = 1
        masks.append(mask.unsqueeze(1 - axis))
    return masks


def _single(scores: Tensor, x: Tensor, right: Tensor, least: float) -> Tensor:
    scores, pairs = scores.clone(), x @ scores @ x.mT
    for i, j in sorted(scores.nonzero().tolist(), key=lambda place: abs(scores[*place].item())):
        fewer = pairs - scores[i, j] * x[:, :, i, None] * x[:, None, :, j]
        if margin(fewer, right) >= least:
            pairs, scores[i, j] = fewer, 0
    return scores


def margin(pairs: Tensor, right: Tensor) -> float:
    """How far the best right column leads the best wrong one, at least, by scores (…, N, N).

    -∞ if a column has no right one.
    """
    best = pairs.masked_fill(~right, -math.inf).amax(-1)
    other = pairs.masked_fill(right, -math.inf).amax(-1)
    return (best - other).min().item()
