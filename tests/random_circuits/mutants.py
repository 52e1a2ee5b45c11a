"""Wrong weights for any compiled machine: one weight, or a whole part that does harm in secret."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable

import torch
from torch import Tensor

from looped.artefact.plan import CompiledMachine

__all__ = ["MUTANTS", "mutated"]

Weights = dict[str, Tensor]

_DIMENSIONS = {"q": 0, "k": 0, "v": 0, "o": 1, "gate": 0, "up": 0, "down": 1}
"""Where the heads or units of a weight are counted."""


def mutated(machine: CompiledMachine, rng: random.Random) -> tuple[str, CompiledMachine]:
    """The machine with one of MUTANTS, and its name."""
    name = rng.choice(list(MUTANTS))
    weights = {key: weight.clone() for key, weight in machine.weights.items()}
    block = rng.randrange(len(machine.plan.blocks))
    heads, units = MUTANTS[name](machine, weights, block, rng)
    plan = machine.plan
    plan = dataclasses.replace(plan, n_heads=plan.n_heads + heads, d_ff=plan.d_ff + units)
    for number in range(len(plan.blocks)):
        for parts, size in (("self_attn.{}", plan.n_heads * plan.d_head), ("mlp.{}", plan.d_ff)):
            _widen(weights, f"layers.{number}.{parts}_proj.weight", size)
    return name, CompiledMachine(plan, weights)


def _widen(weights: Weights, keys: str, size: int) -> None:
    """Make the heads or units of a block as many as in the one to which some were added."""
    for part, dimension in _DIMENSIONS.items():
        key = keys.format(part)
        if key in weights:
            shape = list(weights[key].shape)
            shape[dimension] = size - shape[dimension]
            weights[key] = torch.cat([weights[key], torch.zeros(shape)], dimension)


def _attention(weights: Weights, block: int) -> dict[str, Tensor]:
    return {p: weights[f"layers.{block}.self_attn.{p}_proj.weight"] for p in "qkvo"}


def _add_head(weights: Weights, block: int, head: dict[str, Tensor]) -> None:
    for part, weight in _attention(weights, block).items():
        key = f"layers.{block}.self_attn.{part}_proj.weight"
        weights[key] = torch.cat([weight, head[part]], _DIMENSIONS[part])


def _add_unit(weights: Weights, block: int, unit: dict[str, Tensor]) -> None:
    for part, row in unit.items():
        key = f"layers.{block}.mlp.{part}_proj.weight"
        new = row[:, None] if part == "down" else row[None]
        weights[key] = torch.cat([weights[key], new], _DIMENSIONS[part])


def _a_head(machine: CompiledMachine, weights: Weights, block: int, rng: random.Random) -> slice:
    size = machine.plan.d_head
    number = rng.randrange(max(1, len(machine.plan.blocks[block].heads)))
    return slice(number * size, (number + 1) * size)


def _copy(weights: Weights, block: int, rows: slice) -> dict[str, Tensor]:
    parts = _attention(weights, block)
    return {p: (w[:, rows] if p == "o" else w[rows]).clone() for p, w in parts.items()}


def _one_weight(
    machine: CompiledMachine, weights: Weights, block: int, rng: random.Random
) -> tuple[int, int]:
    """A weight moved, negated, doubled, halved or dropped; seldom one that was zero."""
    keys = [k for k, w in weights.items() if w.dim() == 2 and bool(w.any())]
    weight = weights[rng.choice(keys)]
    places = (weight != 0 if rng.random() < 0.75 else weight == 0).nonzero()
    if len(places) == 0:
        places = (weight != 0).nonzero()
    place = tuple(places[rng.randrange(len(places))].tolist())
    old = float(weight[place])
    moved = old + rng.choice([-2, -1, -0.5, 0.5, 1, 2]) * max(1.0, abs(old) / 4)
    weight[place] = rng.choice([moved] if old == 0 else [moved, moved, -old, 2 * old, old / 2, 0.0])
    return 0, 0


def _cancelling_head(
    machine: CompiledMachine, weights: Weights, block: int, rng: random.Random
) -> tuple[int, int]:
    """A head without query and key whose products cancel in the reals, not in float32."""
    plan = machine.plan
    head = {p: torch.zeros(plan.d_head, plan.d_model) for p in "qkv"}
    head["o"] = torch.zeros(plan.d_model, plan.d_head)
    lanes = range(plan.d_model)
    shifts = rng.choice([(0, 21), (18,)])
    for row in (0, 1):
        for lane in rng.sample(lanes, min(5, plan.d_model)):
            head["v"][row, lane] = float(rng.choice([1, 3, 5, -1]) << rng.choice(shifts))
    head["v"][2] = head["v"][0] + head["v"][1]
    head["o"][rng.choice(lanes), :3] = torch.tensor([1.0, 1.0, -1.0])
    _add_head(weights, block, head)
    return 1, 0


def _opposite_head(
    machine: CompiledMachine, weights: Weights, block: int, rng: random.Random
) -> tuple[int, int]:
    """A head a second time, what it adds taken away."""
    head = _copy(weights, block, _a_head(machine, weights, block, rng))
    head["o"] = -head["o"]
    _add_head(weights, block, head)
    return 1, 0


def _split_head(
    machine: CompiledMachine, weights: Weights, block: int, rng: random.Random
) -> tuple[int, int]:
    """A head in two, each with some of the values: right as it is."""
    rows = _a_head(machine, weights, block, rng)
    head = _copy(weights, block, rows)
    kept = torch.tensor([rng.random() < 0.5 for _ in range(machine.plan.d_head)])
    head["v"][kept] = 0
    weights[f"layers.{block}.self_attn.v_proj.weight"][rows][~kept] = 0
    _add_head(weights, block, head)
    return 1, 0


def _cloned_output(
    machine: CompiledMachine, weights: Weights, block: int, rng: random.Random
) -> tuple[int, int]:
    """What a head adds to one lane goes to another lane too."""
    rows = _a_head(machine, weights, block, rng)
    out = weights[f"layers.{block}.self_attn.o_proj.weight"][:, rows]
    filled = out.any(dim=1).nonzero().flatten().tolist() or [0]
    out[rng.randrange(len(out))] += out[rng.choice(filled)]
    return 0, 0


def _raised_key(
    machine: CompiledMachine, weights: Weights, block: int, rng: random.Random
) -> tuple[int, int]:
    """One column or all ask or answer a little more: another column may be captured."""
    rows = _a_head(machine, weights, block, rng)
    part = weights[f"layers.{block}.self_attn.{rng.choice('qk')}_proj.weight"][rows]
    used = part.any(dim=1).nonzero().flatten().tolist() or [0]
    words = [lanes for name, lanes in machine.plan.words.items() if name != "value"]
    lane = rng.choice(rng.choice(words))
    part[rng.choice(used), lane] += rng.choice([-2.0, -1.0, 1.0, 2.0])
    return 0, 0


def _constant_lane(
    machine: CompiledMachine, weights: Weights, block: int, rng: random.Random
) -> tuple[int, int]:
    """A unit that adds to a lane, perhaps a constant one, in columns that have some bit set."""
    plan = machine.plan
    rows = {p: torch.zeros(plan.d_model) for p in ("gate", "up", "down")}
    one = plan.words["one"][0]
    gates = rng.sample(range(plan.d_model), rng.choice([1, 1, 2]))
    rows["gate"][gates] = 1.0
    rows["gate"][one] += 1.0 - len(gates)
    rows["up"][one] = 1.0
    rows["down"][rng.randrange(plan.d_model)] = rng.choice([-2.0, 2.0, 1.0, -1.0])
    _add_unit(weights, block, rows)
    return 0, 1


Mutant = Callable[[CompiledMachine, Weights, int, random.Random], tuple[int, int]]
"""Changes the weights of a block in place; returns how many heads and units it has added."""

MUTANTS: dict[str, Mutant] = {
    "one weight": _one_weight,
    "a head that cancels": _cancelling_head,
    "an opposite head": _opposite_head,
    "a split head": _split_head,
    "a cloned output": _cloned_output,
    "a raised key": _raised_key,
    "a constant lane": _constant_lane,
}
