"""Selective attention in place of the clock: a record says by itself which older ones are over.

In selective attention (Leviathan et al. 2024, *Selective attention improves transformer*) a token
masks older tokens: the positive part of the scores of a head is added up over the queries so far,
and the sum F of a key is subtracted from its scores in all heads of the layer. Here two heads of
each layer select, and nothing else does: keys have no clock, and positions do not matter.

- *Layer 1*: a token masks all older tokens of its own kind.
- *Other layers*: a memory cell masks all older cells of its address.
- In each layer every token masks the older ones that nothing reads there.

All of these scores are integer multiples of S. So F is exactly zero for what a later query may
need, and at least S otherwise. The paper shifts F by one query: a token masks only for later ones.
Here it masks for itself, too, because p reads the memory that it has just written.

*Pruning loses nothing.* F never decreases. A key with F > 0 in layer 1 scores at most S, and the
latest token of its kind 2 S. In the other layers it scores at most S (n - 1) - 2 S for an address
of n bits, and the first token, which is never masked, S (n - 2). S is 256 logits, so the weight of
the key is exactly zero in every later query, and its entry can be removed as soon as F > 0 in all
layers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch

from looped.decoder.attention import Attention, Head, attention
from looped.decoder.clock import PAIRS, Clock
from looped.decoder.forms import Form, Lanes, bit, constant, lane
from looped.decoder.spec import HEAD_DIM, Spec
from looped.decoder.weights import Weights, filled, projections, weights

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["SelectiveWeights", "selective_weights"]

_SCALE = 256.0
"""S, in logits: one-hot takes 104. A power of two."""

_FLAG = PAIRS - 1
"""The place in a head of the flag of a cell, behind its address."""

_CONSTANT = PAIRS
"""A place in a head that nothing else uses: the key there is 1."""


@dataclass(frozen=True, slots=True)
class SelectiveWeights:
    """The weights of a machine without a clock, and the queries of the two heads of each layer that
    select. Shape of each (2 · d_head, d_model); they share the key of the layer."""

    weights: Weights
    selectors: tuple[Tensor, ...]


def selective_weights(spec: Spec) -> SelectiveWeights:
    """The machine with selective attention. Its context is not limited by a clock."""
    made = weights(replace(spec, context=min(spec.context, 4096)))
    lanes = made.lanes
    still = replace(made.clock, scale=_SCALE)
    layers = [_without_clock(layer, still) for layer in attention(spec, lanes, still)]
    state, selectors = dict(made.state), []
    for index, layer in enumerate(layers):
        keys = dict(layer.keys)
        if index == 0:  # the first token is of every kind, but the last resort
            keys |= {p: form - bit(lanes["first"][0]) * 0.5 for p, form in keys.items()}
        keys[_CONSTANT] = constant(1)
        parts = projections(replace(layer, keys=keys), made.n_heads, made.d_model)
        state |= {f"model.layers.{index}.{name}.weight": part for name, part in parts.items()}
        chosen = _kinds(layer) if index == 0 else _cells(spec, lanes)
        queries = [filled(query, HEAD_DIM, made.d_model) for query in chosen]
        selectors.append(torch.cat(queries))
    return SelectiveWeights(replace(made, spec=spec, state=state), tuple(selectors))


def _without_clock(layer: Attention, clock: Clock) -> Attention:
    timed = (clock.pair, clock.pair + PAIRS)

    def still(forms: dict[int, Form]) -> dict[int, Form]:
        return {place: form for place, form in forms.items() if place not in timed}

    heads = tuple(Head(still(head.query), head.targets) for head in layer.heads)
    return Attention(still(layer.keys), layer.values, heads)


def _kinds(layer: Attention) -> tuple[dict[int, Form], dict[int, Form]]:
    """Tokens of the same kind; tokens of no kind."""
    unit = _SCALE * HEAD_DIM**0.5
    same = {place: form * unit for place, form in layer.keys.items()}
    none = {place: constant(-unit) for place in layer.keys} | {_CONSTANT: constant(unit)}
    return same, none


def _cells(spec: Spec, lanes: Lanes) -> tuple[dict[int, Form], dict[int, Form]]:
    """Cells of the same address: with h wrong bits 2 S (1 - 2 h) if this is a cell, else negative.
    And all that are no cells: a cell scores -S, and every other token S."""
    unit, n = _SCALE * HEAD_DIM**0.5, spec.address_bits
    low = _FLAG - n
    same = {low + i: lane(index) * (2 * unit) for i, index in enumerate(lanes["address"])}
    same[_FLAG] = (constant(n + 1) - bit(lanes["cell"][0]) * 2) * (2 * unit)
    return same, {_FLAG: constant(-unit), _CONSTANT: constant(-2 * unit)}
