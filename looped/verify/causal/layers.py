"""A checkpoint as exact rows, layer by layer, and what its layers need beyond rows."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from looped.decoder.spec import HEAD_DIM
from looped.verify.certificate.rows import Row, matrix_rows

__all__ = ["Layer", "checkpoint_faults", "layer", "norm_faults"]

_MATRICES = {"query": "self_attn.q", "key": "self_attn.k", "value": "self_attn.v"}
_MATRICES |= {"out": "self_attn.o", "gate": "mlp.gate", "up": "mlp.up", "down": "mlp.down"}


@dataclass(frozen=True, slots=True)
class Layer:
    """The rows of one layer: `query` for all heads, `key` and `value` for the one that they share,
    `gate` and `up` by hidden unit, `out` and `down` by lane."""

    query: tuple[Row, ...]
    key: tuple[Row, ...]
    value: tuple[Row, ...]
    out: tuple[Row, ...]
    gate: tuple[Row, ...]
    up: tuple[Row, ...]
    down: tuple[Row, ...]

    @property
    def heads(self) -> int:
        """The number of query heads, idle ones included."""
        return len(self.query) // HEAD_DIM


def layer(state: Mapping[str, Tensor], index: int) -> Layer:
    """The rows of a layer."""
    prefix = f"model.layers.{index}."
    names = ((part, f"{prefix}{name}_proj.weight") for part, name in _MATRICES.items())
    return Layer(**{part: matrix_rows(state[name].numpy()) for part, name in names})


def checkpoint_faults(
    state: Mapping[str, Tensor],
    config: Mapping[str, Any],
    layers: int,
    vocabulary: int,
    window: int | None,
) -> Iterator[str]:
    """Where a checkpoint is not a Llama of so many layers, with one key head and finite weights."""
    wanted: dict[str, object] = {"num_hidden_layers": layers, "num_key_value_heads": 1}
    wanted |= {"head_dim": HEAD_DIM, "hidden_act": "silu", "vocab_size": vocabulary}
    for name, value in wanted.items():
        if config.get(name) != value:
            yield f"`{name}` is {config.get(name)!r} and not {value!r}"
    if config.get("attention_bias") or config.get("mlp_bias") or config.get("tie_word_embeddings"):
        yield "it has biases, or the unembedding is the embedding"
    theta = config.get("rope_theta")
    plain = {"rope_type": "default", "rope_theta": theta}
    if config.get("rope_scaling") or config.get("rope_parameters") != plain:
        yield "its rotary embeddings are not the plain ones"
    if config.get("sliding_window") != window:
        yield f"its window is {config.get('sliding_window')} and not {window}"
    d, hidden = int(config["hidden_size"]), int(config["intermediate_size"])
    queries = int(config["num_attention_heads"]) * HEAD_DIM
    shapes: dict[str, tuple[int, ...]] = {"model.embed_tokens": (vocabulary, d)}
    shapes |= {"lm_head": (vocabulary, d), "model.norm": (d,)}
    for index in range(layers):
        own = {"self_attn.q_proj": (queries, d), "self_attn.o_proj": (d, queries)}
        own |= {"self_attn.k_proj": (HEAD_DIM, d), "self_attn.v_proj": (HEAD_DIM, d)}
        own |= {"mlp.gate_proj": (hidden, d), "mlp.up_proj": (hidden, d)}
        own |= {"mlp.down_proj": (d, hidden)}
        shapes |= {f"model.layers.{index}.{name}": shape for name, shape in own.items()}
        for norm in ("input_layernorm", "post_attention_layernorm"):
            shapes[f"model.layers.{index}.{norm}"] = (d,)
    expected = {f"{name}.weight": shape for name, shape in shapes.items()}
    for name in sorted({*expected, *state}):
        if name not in expected or name not in state:
            yield f"`{name}` is {'not expected' if name in state else 'missing'}"
        elif tuple(state[name].shape) != expected[name] or state[name].dtype != torch.float32:
            yield f"`{name}` has another shape or dtype"
        elif not bool(state[name].isfinite().all()):
            yield f"`{name}` has a weight that is not finite"


def norm_faults(state: Mapping[str, Tensor], epsilon: float) -> Iterator[str]:
    """Norms whose product with 1/√(1 + ε) is not exactly 1 in float32.

    The mean of squares of ±1 lanes is 1. 1/√(1 + ε) is taken as the float32 nearest to it.
    """
    mean = float(torch.tensor(1.0) + torch.tensor(epsilon))
    inverse = torch.tensor(1 / math.sqrt(mean), dtype=torch.float64).float()
    for name, weight in state.items():
        if "norm" in name and not bool((weight * inverse == 1).all()):
            yield f"`{name}` does not undo ε = {epsilon:g}"
