"""What a loop of a host costs: blocks, hidden units, pairs of columns that attention compares."""

from __future__ import annotations

from typing import cast

from torch import nn

from looped.artefact.plan import CompiledMachine
from looped.nn import Attention, Block, GatedMLP
from looped.nn.mixers import (
    CodedAttention,
    GridAttention,
    HyperAttention,
    LinearAttention,
    ShapedAttention,
)
from looped.variants import model_of
from looped.variants.graph_head import GraphHead, GraphMixer

__all__ = ["Cost", "cost", "hidden_units"]

Cost = tuple[int, int, int]
"""Blocks, units, pairs."""


def cost(machine: CompiledMachine) -> Cost:
    """Blocks; hidden units of all blocks, snaps included, and of the tables of codes; pairs of a
    query and a key that heads which write something compare in one loop."""
    plan = machine.plan
    layers = [cast(Block, layer) for layer in model_of(machine).transformer.layers]
    snaps = 6 * len(plan.snapped) * len(plan.blocks) if plan.architecture.snap else 0
    graphs = [layer.self_attn for layer in layers if isinstance(layer.self_attn, GraphMixer)]
    mixers = [cast(Attention, _plain(layer.self_attn)) for layer in layers]
    heads = [cast(GraphHead, head) for graph in graphs for head in graph.heads]
    units = sum(map(hidden_units, layers)) + sum(map(_codes, mixers)) + sum(h.units for h in heads)
    pairs = sum(_pairs(mixer, plan.columns) for mixer in mixers) + len(heads) * plan.columns**2
    return len(layers), snaps + units, pairs


def _plain(mixer: nn.Module) -> nn.Module:
    """A mixer without the heads of a graph."""
    return mixer.mixer if isinstance(mixer, GraphMixer) else mixer


def hidden_units(layer: Block) -> int:
    """The hidden units of an MLP that write something."""
    return int(cast(GatedMLP, layer.mlp).down_proj.weight.any(0).sum())


def _codes(mixer: Attention) -> int:
    """The units that make the codes of queries and keys: one an address in each head."""
    if not isinstance(mixer, CodedAttention):
        return 0
    return 2 * len(mixer.signs) * _heads(mixer)


def _heads(mixer: Attention) -> int:
    """The heads that write something."""
    if isinstance(mixer, ShapedAttention):
        return int((mixer.beta != 0).sum())
    written = mixer.o_proj.weight.any(0).view(mixer.n_heads, -1)
    return int(written.any(1).sum())


def _pairs(mixer: Attention, columns: int) -> int:
    keys = columns
    if isinstance(mixer, GridAttention):
        return mixer.pairs()
    if isinstance(mixer, HyperAttention):
        keys = min(keys, mixer.block + mixer.sample)
    elif isinstance(mixer, LinearAttention):
        keys = 0
    return _heads(mixer) * columns * keys
