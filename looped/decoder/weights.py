"""weights: the tensors of a causal machine, by their names in a stock Llama."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from looped.decoder.attention import Attention, attention, least_distance, matched_lanes
from looped.decoder.clock import Clock, clock
from looped.decoder.embedding import embedding
from looped.decoder.forms import Form, Lanes, Units
from looped.decoder.lanes import machine_lanes
from looped.decoder.mlps import mlps
from looped.decoder.spec import HEAD_DIM, Spec
from looped.decoder.unembedding import unembedding
from looped.decoder.vocabulary import Vocabulary
from looped.precision import FLOAT32

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["EPSILON", "STEEPNESS", "Weights", "filled", "projections", "weights"]

EPSILON = 1e-6
"""The default `rms_norm_eps` of a Llama."""

STEEPNESS = 128.0
"""silu(128 m) / 128 is relu(m), exactly, for every integer m: exp(-128) is less than half a unit in
the last place of 1, and exp(128) is infinite in float32. 64 would leave silu(-64) different from
zero."""

_MULTIPLE = 64
"""d_model and d_ff are multiples of it, as kernels like them."""


@dataclass(frozen=True, slots=True)
class Weights:
    """The tensors in float32, the sizes that they have, the lanes by name, and the clock."""

    spec: Spec
    state: dict[str, Tensor]
    d_model: int
    d_ff: int
    n_heads: int
    n_layers: int
    lanes: Lanes
    clock: Clock


def weights(spec: Spec) -> Weights:
    """The weights of a machine. Raises CompileError if its context is too long."""
    vocabulary, lanes = Vocabulary(spec), machine_lanes(spec)
    time = clock(spec.span, matched_lanes(spec), least_distance(spec))
    layers, units = attention(spec, lanes, time), mlps(spec, lanes)
    d_model, d_ff = _padded(lanes.size), _padded(max(len(each.units) for each in units))
    n_heads = 1 << (max(len(layer.heads) for layer in layers) - 1).bit_length()  # divides d_model
    gain = _gain()
    state = {
        "model.embed_tokens.weight": embedding(spec, vocabulary, lanes, d_model),
        "model.norm.weight": torch.full((d_model,), gain),
        "lm_head.weight": unembedding(spec, vocabulary, lanes, d_model),
    }
    for index, (layer, mlp) in enumerate(zip(layers, units, strict=True)):
        parts = projections(layer, n_heads, d_model) | _mlp(mlp, d_ff, d_model)
        for norm in ("input_layernorm", "post_attention_layernorm"):
            parts[norm] = torch.full((d_model,), gain)
        state |= {f"model.layers.{index}.{name}.weight": part for name, part in parts.items()}
    return Weights(spec, state, d_model, d_ff, n_heads, len(layers), lanes, time)


def _padded(size: int) -> int:
    return -(-size // _MULTIPLE) * _MULTIPLE


def _gain() -> float:
    """A weight of RMSNorm that undoes ε: its product with 1/√(1 + ε) rounds to 1 in float32."""
    inverse = torch.rsqrt(torch.tensor(1.0) + torch.tensor(EPSILON))
    near = (1 / inverse.double()).float()
    unit = 2.0 ** (1 - FLOAT32.mantissa)
    (gain, *_) = (g for k in (0, 1, -1, 2, -2) if (g := near + k * unit) * inverse == 1)
    return float(gain)


def filled(forms: Mapping[int, Form], rows: int, d_model: int) -> Tensor:
    """A matrix of so many rows; those that are given are forms. Shape (rows, d_model)."""
    matrix = torch.zeros(rows, d_model)
    for row, form in forms.items():
        _fill(matrix, row, form)
    return matrix


def _fill(matrix: Tensor, row: int, form: Form) -> None:
    for index, weight in form.weights.items():
        matrix[row, index] += weight


def projections(layer: Attention, n_heads: int, d_model: int) -> dict[str, Tensor]:
    """W_Q, W_K, W_V and W_O of a layer with one key and one value for all heads."""
    queries, output = (
        torch.zeros(n_heads * HEAD_DIM, d_model),
        torch.zeros(d_model, n_heads * HEAD_DIM),
    )
    keys, values = (filled(forms, HEAD_DIM, d_model) for forms in (layer.keys, layer.values))
    for index, head in enumerate(layer.heads):
        for place, form in head.query.items():
            _fill(queries, index * HEAD_DIM + place, form)
        for place, target in head.targets.items():
            output[target, index * HEAD_DIM + place] = 1.0
    parts = {"q": queries, "k": keys, "v": values, "o": output}
    return {f"self_attn.{name}_proj": matrix for name, matrix in parts.items()}


def _mlp(units: Units, d_ff: int, d_model: int) -> dict[str, Tensor]:
    gate, up, down = (
        torch.zeros(d_ff, d_model),
        torch.zeros(d_ff, d_model),
        torch.zeros(d_model, d_ff),
    )
    for index, (condition, form, target) in enumerate(units.units):
        _fill(gate, index, condition * STEEPNESS)
        _fill(up, index, form)
        down[target, index] = 1 / STEEPNESS
    return {"mlp.gate_proj": gate, "mlp.up_proj": up, "mlp.down_proj": down}
