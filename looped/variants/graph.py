"""The control-flow graph of a program as its program counter.

A node is a program counter. A memory column holds it, beside its word of data. In each graph of the
plan a head of the CPU finds the successor of its node by the positions of both in that graph:
eigenvectors of its magnetic Laplacian, whose product is 1 for an edge. The value is the program
counter of the node that is found. It takes the place of a table in the MLP of the block before,
which the plain machine has there, so nothing but the graph says what comes next.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import torch
from torch import Tensor

from looped.artefact.plan import Plan
from looped.errors import CompileError
from looped.nn import Block, GatedMLP, Transformer
from looped.variants.graph_head import GraphHead, GraphMixer, codes

__all__ = ["columns_of", "with_graphs"]


def with_graphs(core: Transformer, plan: Plan) -> Transformer:
    """The blocks with a head for each graph, and without the tables of successors.

    Raises CompileError if the words of successors are not where a head can write them.
    """
    columns, found = columns_of(plan), dict[int, list[GraphHead]]()
    graphs = {word: edges for word, edges in plan.graphs.items() if edges}
    for word, edges in graphs.items():
        number, lanes = _place(plan, word)
        mlp = cast(GatedMLP, cast(Block, core.layers[number]).mlp)
        _forget(mlp, plan, lanes)
        width = mlp.up_proj.in_features
        found.setdefault(number + 1, []).append(_head(plan, edges, columns, lanes, width))
    for number, heads in found.items():
        layer = cast(Block, core.layers[number])
        layer.self_attn = GraphMixer(layer.self_attn, heads)
    return core


def columns_of(plan: Plan) -> dict[int, int]:
    """The column of each node: that of its address, or a free one if another node has that."""
    nodes = sorted(plan.nodes)
    owner: dict[int, int] = {}
    for pc in nodes:
        owner.setdefault(pc % plan.memory, pc)
    free = (column for column in range(plan.memory) if column not in owner)
    for pc in nodes:
        if owner[pc % plan.memory] != pc:
            owner[next(free)] = pc
    return {pc: column for column, pc in sorted(owner.items())}


def _place(plan: Plan, word: str) -> tuple[int, list[int]]:
    """The block whose MLP makes a word, and the lanes of the word."""
    held = {
        each.bit: (lane, each)
        for lane, occupants in enumerate(plan.occupants)
        for each in occupants
        if each.word == word
    }
    lanes = [held[bit][0] for bit in sorted(held)]
    starts = {each.start for _, each in held.values()}
    ends = min((each.end for _, each in held.values()), default=0)
    phase = starts.pop() if len(starts) == 1 else 0
    names = [f"pc.{bit}" for bit in range(len(plan.words["pc"]))]
    here = [plan.occupant(lane, phase + 1) for lane in plan.words["pc"]]
    if phase % 2 == 0 or ends < phase + 2 or here != names:
        raise CompileError(f"no head can write `{word}`: the program counter is gone by then")
    return phase // 2, lanes


def _forget(mlp: GatedMLP, plan: Plan, lanes: list[int]) -> None:
    """Take from an MLP what its units that know the program counter write to some lanes."""
    width = plan.d_model
    knows = (mlp.gate_proj.weight[:, list(plan.words["pc"])] != 0).all(1)  # (d_ff,)
    for first in range(0, len(mlp.down_proj.weight), width):  # complementary lanes, too
        rows = torch.tensor(lanes)[:, None] + first
        mlp.down_proj.weight[rows, knows.nonzero()[:, 0]] = 0


def _head(
    plan: Plan, edges: Mapping[int, int], columns: Mapping[int, int], lanes: list[int], width: int
) -> GraphHead:
    """The head of one graph on a stream of `width` lanes, the plan's or twice as many. Successors
    lead by as much as the best heads of the plan."""
    number = {pc: node for node, pc in enumerate(columns)}
    asking = [number[pc] for pc in edges]
    queries, keys = codes({number[u]: number[v] for u, v in edges.items()}, len(number))
    queries = queries[asking]
    scores = queries @ keys.mT  # (edges, nodes)
    wanted = torch.tensor([[number[v]] for v in edges.values()]).view(-1, 1)
    others = scores.scatter(1, wanted, 0.0).max(1).values
    gap = float((scores.gather(1, wanted)[:, 0] - others).min())
    lead = max(head.margin * head.beta for block in plan.blocks for head in block.heads)
    (one,), (cpu,), (device,) = (plan.words[name] for name in ("one", "cpu", "device"))
    asks = _units(list(edges), list(plan.words["pc"]), width, one)
    asks[:, cpu] = 1.0
    holds = _units(list(columns.values()), list(plan.words["position"]), width, one)
    holds[:, device] = -1.0
    rest, output = torch.zeros(width), torch.zeros(width, len(lanes))
    rest[[one, cpu]] = 0.5
    for first, sign in zip(range(0, width, plan.d_model), (1.0, -1.0), strict=False):
        output[torch.tensor(lanes) + first, torch.arange(len(lanes))] = sign
    values = (torch.tensor(list(columns))[:, None] >> torch.arange(len(lanes)) & 1) * 2.0
    tables = queries * (lead / gap), keys, values
    return GraphHead((asks, holds), tables, rest, lead, output)


def _units(numbers: list[int], lanes: list[int], width: int, one: int) -> Tensor:
    """Rows (numbers, width) whose ReLU is 1 where lanes hold a number and one more lane, which the
    caller adds, is 1; else 0."""
    bits = torch.tensor(numbers).view(-1, 1) >> torch.arange(len(lanes)) & 1
    rows = torch.zeros(len(numbers), width)
    rows[:, lanes] = bits * 2.0 - 1
    rows[:, one] = -float(len(lanes))
    return rows
