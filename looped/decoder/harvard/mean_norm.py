"""What stacks need whose LayerNorm subtracts the mean, and whose MLPs have no gate.

Each lane has a second one with the opposite sign, behind all others: the mean is zero, and
LayerNorm is the identity on lanes of ±1. And with gates of at most G, relu(g) · x for a lane x = ±1
is 2 relu(g - G (1 - x) / 2) - relu(g).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch
from torch.nn.functional import layer_norm

from looped.decoder.attention import Attention
from looped.decoder.forms import Form, Units, constant, lane
from looped.decoder.harvard import attention
from looped.decoder.harvard.layout import Layout
from looped.decoder.harvard.matrices import matrices
from looped.decoder.mlps import mlps
from looped.decoder.spec import HEAD_DIM
from looped.decoder.weights import filled
from looped.precision import FLOAT32

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Part", "decoder_parts", "doubled", "gain", "hidden_size", "projected"]

Part = tuple[Attention, Attention, "tuple[Tensor, Tensor]"]
"""Self-attention, cross-attention, and the two matrices of an MLP."""

Gate = tuple[tuple[int, float], ...]


def doubled(matrix: Tensor) -> Tensor:
    """Rows of lanes, with the opposite lanes behind them."""
    return torch.cat([matrix, -matrix], 1)


def gain(d: int, epsilon: float) -> float:
    """The weight of LayerNorm that undoes its ε, found with lanes of both signs."""
    x = torch.ones(1, d)
    x[:, d // 2 :] = -1.0
    near = 1 / float(layer_norm(x, (d,), eps=epsilon)[0, 0])
    unit = 2.0 ** (1 - FLOAT32.mantissa)
    for k in (0, 1, -1, 2, -2):
        found = torch.tensor(near + k * unit)
        if torch.equal(layer_norm(x, (d,), found.expand(d), eps=epsilon), x):
            return float(found)
    raise AssertionError(f"no weight of LayerNorm undoes ε = {epsilon}")


def projected(wanted: Attention, d: int) -> dict[str, Tensor]:
    """The matrices of an attention layer as `q`, `k`, `v` and `o`; its output has both signs."""
    parts = matrices(wanted, d // HEAD_DIM, d)
    output = parts["o"][: d // 2]
    return {**parts, "o": torch.cat([output, -output])}


def hidden_size(layout: Layout) -> int:
    """Hidden units of an MLP: the most of any decoder layer."""
    return max(len(_plain(units)) for units in _units(layout))


def decoder_parts(layout: Layout) -> Iterator[Part]:
    """What the decoder layers consist of."""
    parts = ((attention.gather, attention.fetch), (attention.read, attention.read_program))
    size, d = hidden_size(layout), layout.d_model
    for (own, cross), units in zip(parts, _units(layout), strict=True):
        plain = _plain(units)
        rise = filled(dict(enumerate(Form(dict(gate)) for gate in plain)), size, 2 * d)
        down = torch.zeros(d, size)
        for column, weights in enumerate(plain.values()):
            for target, factor in weights.items():
                down[target, column] = factor
        yield own(layout), cross(layout), (rise, torch.cat([down, -down]))


def _units(layout: Layout) -> tuple[Units, ...]:
    return mlps(layout.spec, layout.lanes)[1:]


def _plain(units: Units) -> dict[Gate, dict[int, float]]:
    """Hidden units without gates: the weights of each on the lanes that it adds to."""
    found: dict[Gate, dict[int, float]] = {}

    def add(gate: Form, weight: float, target: int) -> None:
        weights = found.setdefault(tuple(sorted(gate.weights.items())), {})
        weights[target] = weights.get(target, 0.0) + weight

    for gate, up, target in units.units:
        free = {index: weight for index, weight in up.weights.items() if index and weight}
        most = sum(map(abs, gate.weights.values()))
        add(gate, up.weights.get(0, 0.0) - sum(free.values()), target)
        for index, weight in free.items():
            add(gate - (constant(1) - lane(index)) * (most / 2), 2 * weight, target)
    return found
