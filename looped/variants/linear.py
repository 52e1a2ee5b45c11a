"""Linear attention with one feature for each column: φ(q) and φ(k) are one-hot.

φ(x) = relu(A x). In a head that reads, feature j is relu(1 + x·κ_j - S_j), κ_j the key of column j,
S_j its score with itself: 1 for a query or a key of that column, 0 for any other, whose score is
lower by 2. The head that writes has two features for a column of memory: one that the column has
itself, and one that the CPU has if it writes there. The query of the column has 1 of the first and
LOUD of the second. So the old content keeps a weight of 1/LOUD at most, which the residual add
absorbs. With fewer features than columns, two columns share one, and reads of them mix.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import relu

from looped.artefact.embedding import embed
from looped.artefact.plan import Plan
from looped.nn import Attention
from looped.nn.mixers import LinearAttention

__all__ = ["LOUD", "linear"]

LOUD = 2.0**30
"""The old content keeps a weight of 2^-30: times 2, less than half of the last place of ±1 in
float32."""

_CLOSED = 4.0
"""Subtracted from features that must be zero, in units of the largest they can be."""


def linear(core: Attention, plan: Plan, block: int) -> Attention:
    """Linear attention that copies what the core copies."""
    size = max(core.d_head, plan.columns + plan.memory)
    made = LinearAttention(core.q_proj.in_features, core.n_heads, size, relu)
    for part in (made.q_proj, made.k_proj, made.v_proj, made.o_proj):
        part.weight.zero_()
    for head in range(core.n_heads):
        own, rows = slice(head * core.d_head, (head + 1) * core.d_head), head * size
        value, out = core.v_proj.weight[own], core.o_proj.weight[:, own]
        made.v_proj.weight[rows : rows + core.d_head] = value
        made.o_proj.weight[:, rows : rows + core.d_head] = out
        query, key = _features(core, plan, block, head)
        made.q_proj.weight[rows : rows + len(query), : plan.d_model] = query
        made.k_proj.weight[rows : rows + len(key), : plan.d_model] = key
    return made


def _features(core: Attention, plan: Plan, block: int, head: int) -> tuple[Tensor, Tensor]:
    """The features of queries and keys of a head, each (features, d_model)."""
    own = slice(head * core.d_head, (head + 1) * core.d_head)
    heads = plan.blocks[block].heads
    if head >= len(heads):  # an idle head may do anything: its values are zero
        one = torch.zeros(plan.columns, plan.d_model)
        one[:, plan.words["one"][0]] = 1
        return one, one
    unit = heads[head].beta * math.sqrt(core.d_head)
    width = plan.d_model  # lanes beyond it are complements, which no key reads
    w_q, w_k = core.q_proj.weight[own, :width] / unit, core.k_proj.weight[own, :width]
    x = torch.tensor(embed((), plan), dtype=torch.float32)
    keys = x @ w_k.T  # (columns, d_head)
    if w_k[:, list(plan.snapped)].any():
        return _writing(w_q, w_k, x, plan)
    lowered = 1 - (keys * keys).sum(1)
    return _shifted(keys @ w_q, lowered, plan), _shifted(keys @ w_k, lowered, plan)


def _shifted(forms: Tensor, constants: Tensor, plan: Plan) -> Tensor:
    """Forms (n, d_model) plus constants (n,)."""
    result = forms.clone()
    result[:, plan.words["one"][0]] += constants
    return result


def _writing(w_q: Tensor, w_k: Tensor, x: Tensor, plan: Plan) -> tuple[Tensor, Tensor]:
    """The features of the head that writes: each column of memory as itself, each as the one that
    the CPU writes to, the CPU, the input."""
    memory, d_model = plan.memory, plan.d_model
    cpu, device, one = (plan.words[name][0] for name in ("cpu", "device", "one"))
    code = list(plan.words["position"])
    codes, bits = x[:memory, code], len(code)  # (memory, bits)
    itself = torch.zeros(memory, d_model)
    itself[:, code] = codes
    itself = _shifted(itself, torch.full((memory,), 1.0 - bits), plan)
    itself[:, [device, one]] -= _CLOSED * bits / 2  # closed in the CPU and in the input
    spoken = [d for d in range(len(w_k)) if w_q[d, code].any()]  # the dimensions of the code
    written = _shifted(codes @ w_k[spoken], torch.full((memory,), 1.0 - bits), plan)
    written[:, cpu] += _CLOSED * bits / 2
    written[:, one] -= _CLOSED * bits / 2  # closed outside the CPU
    tags = torch.zeros(2, d_model)
    tags[0, cpu], tags[0, one] = 0.5, 0.5  # 1 in the CPU
    tags[1, device], tags[1, cpu] = 0.5, -0.5  # 1 in the input
    return torch.cat([itself, LOUD * itself, tags]), torch.cat([itself, written, tags])
