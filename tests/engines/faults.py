"""Machines with one wrong weight."""

from __future__ import annotations

from collections.abc import Iterator

from looped.artefact.plan import CompiledMachine
from tests import seeds


def faults(machine: CompiledMachine, count: int, seed: int = 0) -> Iterator[CompiledMachine]:
    """The machine with a single weight changed, `count` times; two out of three were not zero."""
    rng = seeds.generator(seed)
    names = [name for name, weight in machine.weights.items() if weight.dim() == 2]
    for _ in range(count):
        name = names[rng.integers(len(names))]
        weight = machine.weights[name].clone()
        places = weight.nonzero() if rng.random() < 0.7 else (weight == 0).nonzero()
        row, column = places[rng.integers(len(places))].tolist()
        weight[row, column] += float(rng.choice([-2.0, -1.0, 1.0, 0.5, 2.0]))
        yield CompiledMachine(machine.plan, {**machine.weights, name: weight})
