"""Positions as codes of other kinds: sinusoids, a trained table, a directed graph.

The query of a head is an address in binary, its key the position of a column. Both become codes,
scaled so that a code leads by 2, as in binary. Then all other lanes of a head keep their meaning.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from functools import cache

import torch
from torch import Tensor

from looped.artefact.plan import Plan
from looped.nn import Attention
from looped.nn.mixers import CodedAttention
from looped.nn.position import (
    SinusoidalCode,
    TrainedCode,
    eigenvectors,
    magnetic_laplacian,
    successor_query,
)

__all__ = ["CODES", "coded", "gap"]

_WIDTH = 64
"""Lanes of a sinusoid: its gap is 1.083 then."""

_TRAINED = 16
"""Lanes of a trained code."""

Tables = tuple[Tensor, Tensor]
"""Codes of queries and keys, (positions, lanes) each."""


def coded(core: Attention, plan: Plan, block: int) -> Attention:
    """Attention by codes that copies what the core copies."""
    bits, heads = len(plan.words["position"]), plan.blocks[block].heads
    tables = CODES[plan.architecture.positions]
    found = [tables(plan.memory, _offset(head.key)) for head in heads]
    width = found[0][0].shape[1] if found else 1
    made = CodedAttention.from_core(core, bits, width)
    for part in (made.queries, made.keys):
        part.zero_()
    for number, (head, (queries, keys)) in enumerate(zip(heads, found, strict=True)):
        unit = head.beta * math.sqrt(core.d_head)
        queries = queries * (2 / gap(queries, keys, _offset(head.key)))
        made.units[number], made.queries[number], made.keys[number] = unit, queries, keys
        if head.query[0].startswith("position"):
            _itself(made, plan, number, unit * float((queries @ keys.mT).aminmax()[1] * 2))
        if plan.architecture.positions == "maglap" and _offset(head.key):
            _own_positions(made, plan, number, _offset(head.key))
    return made


def gap(queries: Tensor, keys: Tensor, offset: int = 0) -> float:
    """The least lead of the score of position p and its key over those of other keys. With an
    offset that key is p + offset, if the tables are those of a graph."""
    scores = queries @ keys.mT  # (positions, positions)
    if not torch.equal(queries, keys):
        scores = scores.roll(-offset, 1)
    best = scores.diag()
    others = scores.masked_fill(torch.eye(len(scores), dtype=torch.bool), -torch.inf)
    return float((best - others.max(1).values).min())


def _sinusoids(count: int, offset: int) -> Tables:
    """The sinusoids of the first transformer."""
    code = SinusoidalCode(_WIDTH)(torch.arange(count))
    return code, code


def _trained(count: int, offset: int) -> Tables:
    """A trained table."""
    return _table(count), _table(count)


@cache
def _table(count: int) -> Tensor:
    """Codes (count, lanes), trained with cross entropy: each position finds itself."""
    with torch.enable_grad(), torch.random.fork_rng():
        torch.manual_seed(0)
        table = TrainedCode(count, _TRAINED)
        descent = torch.optim.Adam(table.parameters(), 0.1)
        for _ in range(_DESCENT):
            code = table(torch.arange(count))
            descent.zero_grad()
            torch.nn.functional.cross_entropy(code @ code.mT, torch.arange(count)).backward()  # type: ignore[no-untyped-call]
            descent.step()
    trained: Tensor = table.table.weight.detach()
    return trained


_DESCENT = 50
"""Steps of Adam: the gap of 32 positions grows from less than 0 to 11, that of 512 to 8."""


def _graph(count: int, offset: int) -> Tables:
    """Nodes of the cycle of addresses: eigenvectors of its magnetic Laplacian, which are
    orthonormal. At an offset the query of p finds the successor of p in the graph p → p + offset.
    """
    edges = torch.eye(count).roll(offset, 1) if offset else torch.eye(count).roll(1, 1)
    values, vectors = eigenvectors(magnetic_laplacian(edges, 0.25))
    queries, keys = successor_query(values, vectors)
    return (queries if offset else keys).float(), keys.float()


CODES: Mapping[str, Callable[[int, int], Tables]] = {
    "sinusoidal": _sinusoids,
    "trained": _trained,
    "maglap": _graph,
}
"""The codes of a number of positions for a head that reads at an offset, by their name."""


def _offset(key: tuple[str, ...]) -> int:
    """The offset at which a head reads: `position-1` is the code of the column before."""
    found = re.match(r"position-(\d+)", key[0])
    return int(found[1]) if found else 0


def _itself(made: CodedAttention, plan: Plan, head: int, lead: float) -> None:
    """In a head that writes, the CPU attends to itself whatever its key is: by the lane behind the
    code, in which its own key has 1 and those of memory less."""
    row = made.q_proj.weight[head * made.d_head + len(plan.words["position"])]
    row[[plan.words["cpu"][0], plan.words["one"][0]]] += lead / 2


def _own_positions(made: CodedAttention, plan: Plan, head: int, offset: int) -> None:
    """Keys are the columns' own positions, and that of the CPU, at which idle queries look, is the
    successor of position 0."""
    weights = made.k_proj.weight
    (cpu,), (one,) = plan.words["cpu"], plan.words["one"]
    for bit, lane in enumerate(plan.words["position"]):
        row = weights[head * made.d_head + bit]
        row[plan.words[f"position-{offset}"][bit]] = 0
        row[lane] = 1
        if offset >> bit & 1:
            row[[cpu, one]] += 1
