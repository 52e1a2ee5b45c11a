"""Additive attention with the scores of a core: products of integers as sums of tanh.

    q·k = ((q + k)² - (q - k)²) / 4        s² = Σ_t (2t - 1)·[|s| ≥ t]        t = 1, 2, …

A step [s ≥ t] of an integer is (1 + tanh(g·(s - t + ½))) / 2, exactly, once tanh is 1 at g/2. So a
dimension of a head takes four units for each t up to the largest |q| + |k|. The constants are the
same for every key, and softmax does not see them.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from looped.artefact.plan import Plan
from looped.nn import Attention
from looped.nn.mixers import AdditiveAttention

__all__ = ["additive"]

_GAIN = 40.0
"""tanh(19.1) rounds to 1 in float64, tanh(9.1) in float32."""

_SIGNS = ((1.0, 1.0, 1.0), (-1.0, -1.0, 1.0), (1.0, -1.0, -1.0), (-1.0, 1.0, -1.0))
"""The signs of query and key in the four units of a step, and of what they add."""


def additive(core: Attention, plan: Plan, block: int) -> Attention:
    """Additive attention that gives every key the score that the core gives it."""
    heads = [_units(core, plan, block, head) for head in range(len(plan.blocks[block].heads))]
    units = max((len(found[2]) for found in heads), default=1)
    made = AdditiveAttention(core.q_proj.in_features, core.n_heads, core.d_head, units)
    made.load_state_dict(core.state_dict(), strict=False)
    for part in (made.query, made.key, made.shift, made.score):
        part.zero_()
    for number, (query, key, shift, score) in enumerate(heads):
        used = len(shift)
        made.query[number, :used], made.key[number, :used] = query, key
        made.shift[number, :used], made.score[number, :used] = shift, score
    return made


def _units(
    core: Attention, plan: Plan, block: int, head: int
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The units of a head: of the query and of the key (units, d_head), shifts and scores."""
    beta = plan.blocks[block].heads[head].beta
    unit = beta * math.sqrt(core.d_head)
    rows = slice(head * core.d_head, (head + 1) * core.d_head)
    sizes = [part.weight[rows].abs().sum(1) for part in (core.q_proj, core.k_proj)]
    bound = (sizes[0] / unit + sizes[1]).round().long().tolist()
    live = [d for d in range(core.d_head) if sizes[0][d] > 0 and sizes[1][d] > 0]
    found = [(d, t, signs) for d in live for t in range(1, bound[d] + 1) for signs in _SIGNS]
    query, key = (torch.zeros(len(found), core.d_head) for _ in range(2))
    for place, (d, _, (asks, answers, _)) in enumerate(found):
        query[place, d], key[place, d] = _GAIN * asks / unit, _GAIN * answers
    shift = torch.tensor([_GAIN * (0.5 - t) for _, t, _ in found])
    score = torch.tensor([beta * (2 * t - 1) * signs[2] / 8 for _, t, signs in found])
    return query, key, shift, score
