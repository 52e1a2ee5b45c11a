"""Layers by named lanes: the heads and ReLU units of Giannou et al. 2023 as weights of `looped.nn`.

The layer of the paper (section 2) on a matrix X whose columns are tokens is

    A = X + Σ_h V_h X softmax(λ Xᵀ K_hᵀ Q_h X),    f(X) = A + W_2 relu(W_1 A + b_1 1ᵀ) + b_2 1ᵀ

with no norm, no 1/√d and biases that all columns share. It is a `Block` of the core, weight for
weight: V_h = W_O W_V of one head; λ √d_head goes into W_Q; a lane that holds 1 in every column
carries the biases; and a unit `relu(gate) · up` whose `up` reads that lane is a plain ReLU unit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from looped.nn import Attention, Block, GatedMLP, Transformer

__all__ = [
    "DTYPES",
    "Construction",
    "Form",
    "Head",
    "Lanes",
    "Layer",
    "Norm",
    "Unit",
    "assemble",
    "cleared",
    "run",
    "unit_of",
]

Form = Mapping[int, float]
"""A linear form: lane → coefficient."""

Norm = Callable[[int], nn.Module]
"""Makes the norm of one sublayer, of a width."""

DTYPES = {"float16": torch.float16, "float32": torch.float32, "float64": torch.float64}


class Lanes:
    """Named groups of lanes, in the order in which they are given; `lanes["x"]` is a range."""

    def __init__(self, **sizes: int) -> None:
        self._groups: dict[str, range] = {}
        self.count = 0
        for name, size in sizes.items():
            self._groups[name] = range(self.count, self.count + size)
            self.count += size

    def __getitem__(self, name: str) -> range:
        return self._groups[name]

    def first(self, name: str) -> int:
        """The only lane, or the first, of a group."""
        return self._groups[name][0]

    @property
    def sizes(self) -> dict[str, int]:
        """Name → number of lanes."""
        return {name: len(group) for name, group in self._groups.items()}


@dataclass(frozen=True, slots=True)
class Head:
    """A head: the score is Σ queries[r] · keys[r], and values[r] is added along outputs[r]."""

    queries: Sequence[Form]
    keys: Sequence[Form]
    values: Sequence[Form]
    outputs: Sequence[Form]


@dataclass(frozen=True, slots=True)
class Unit:
    """A hidden unit: relu(gate) · up is added along `down`."""

    gate: Form
    up: Form
    down: Form


@dataclass(frozen=True, slots=True)
class Layer:
    """The heads and the hidden units of one layer."""

    heads: Sequence[Head] = ()
    units: Sequence[Unit] = ()


@dataclass(frozen=True, slots=True)
class Construction:
    """Layers, in order, over named lanes."""

    lanes: Lanes
    layers: Sequence[Layer]

    @property
    def heads(self) -> int:
        """The most heads of a layer."""
        return max(len(layer.heads) for layer in self.layers)


def unit_of(one: int, gate: Form, down: Form) -> Unit:
    """A plain ReLU unit of the paper: `up` reads the lane that holds 1."""
    return Unit(gate, {one: 1.0}, down)


def cleared(one: int, lanes: Iterable[int]) -> list[Unit]:
    """Units that subtract lanes from themselves: v - relu(v) + relu(-v) = 0."""
    return [unit_of(one, {i: sign}, {i: -sign}) for i in lanes for sign in (1.0, -1.0)]


def assemble(layers: Sequence[Layer], width: int, dtype: torch.dtype, norm: Norm) -> Transformer:
    """The transformer of some layers, `width` lanes wide; the weights are rounded to `dtype`."""
    blocks = [_block(layer, width, norm) for layer in layers]
    return Transformer(blocks, nn.Identity()).to(dtype).requires_grad_(False).eval()


def run(model: nn.Module, x: Tensor) -> Tensor:
    """One pass over the residual stream `x` (B, N, d_model)."""
    with torch.inference_mode():
        result: Tensor = model(x)
    return result


def _block(layer: Layer, width: int, norm: Norm) -> Block:
    sizes = [len(head.queries) for head in layer.heads] + [len(h.values) for h in layer.heads]
    d_head = _power_of_four(max(sizes, default=1))
    attention = Attention(width, max(1, len(layer.heads)), d_head)
    mlp = GatedMLP(width, max(1, len(layer.units)))
    block = Block(norm(width), attention, norm(width), mlp).double()
    for projection in (attention, mlp):
        for weight in projection.parameters():
            nn.init.zeros_(weight)
    with torch.no_grad():
        for number, head in enumerate(layer.heads):
            _write_head(attention, number * d_head, d_head, head)
        for number, unit in enumerate(layer.units):
            _write_row(mlp.gate_proj.weight, number, unit.gate)
            _write_row(mlp.up_proj.weight, number, unit.up)
            _write_row(mlp.down_proj.weight.T, number, unit.down)
    return block


def _write_head(attention: Attention, offset: int, d_head: int, head: Head) -> None:
    scale = d_head**0.5  # a power of two: the core divides scores by it
    for r, (query, key) in enumerate(zip(head.queries, head.keys, strict=True), start=offset):
        _write_row(attention.q_proj.weight, r, {i: c * scale for i, c in query.items()})
        _write_row(attention.k_proj.weight, r, key)
    for r, (value, output) in enumerate(zip(head.values, head.outputs, strict=True), start=offset):
        _write_row(attention.v_proj.weight, r, value)
        _write_row(attention.o_proj.weight.T, r, output)


def _write_row(matrix: Tensor, row: int, form: Form) -> None:
    for lane, coefficient in form.items():
        matrix[row, lane] = coefficient


def _power_of_four(least: int) -> int:
    """The smallest power of four from `least` on, so that 1/√d_head is a power of two."""
    power = 1
    while power < least:
        power *= 4
    return power
