"""Machines with one wrong weight, and whether anything that runs on them goes wrong."""

from __future__ import annotations

import dataclasses
import random
from dataclasses import dataclass

from looped.compiler.circuit import Circuit
from looped.compiler.compiled import CompiledMachine
from looped.engines.dense import DenseEngine
from looped.errors import LoopedError
from looped.image import Image
from looped.verify.certificate.certify import block_claims
from looped.verify.certificate.places import place_claims
from looped.verify.certificate.subject import Subject
from looped.verify.certificate.verdicts import numeric_verdict
from looped.verify.lockstep import lockstep
from tests.verify.random_programs import random_program


@dataclass(frozen=True)
class Mutation:
    """One weight, and what stands there instead."""

    name: str
    place: tuple[int, ...]
    value: float

    def apply(self, machine: CompiledMachine) -> CompiledMachine:
        weight = machine.weights[self.name].clone()
        weight[self.place] = self.value
        return dataclasses.replace(machine, weights={**machine.weights, self.name: weight})


def mutation(machine: CompiledMachine, rng: random.Random) -> Mutation:
    """A weight, not zero three times in four; moved, negated, doubled, halved or dropped."""
    names = [n for n, w in machine.weights.items() if w.dim() == 2 and bool(w.any())]
    gains = [n for n, w in machine.weights.items() if w.dim() == 1]
    name = rng.choice(gains) if rng.random() < 0.03 else rng.choice(names)
    weight = machine.weights[name]
    places = (weight != 0 if rng.random() < 0.75 else weight == 0).nonzero()
    if len(places) == 0:
        places = (weight != 0).nonzero()
    place = tuple(places[rng.randrange(len(places))].tolist())
    old = float(weight[place])
    moved = old + rng.choice([-2, -1, -0.5, 0.5, 1, 2]) * max(1.0, abs(old) / 4)
    values = [moved] if old == 0 else [moved, moved, -old, 2 * old, old / 2, 0.0]
    return Mutation(name, place, rng.choice(values))


def programs(width: int, memory: int, count: int) -> tuple[list[Image], list[bytes]]:
    """Random programs with inputs of several lengths."""
    images = [random_program(seed, width, memory, seed % 4 / 10) for seed in range(count)]
    return images, [bytes(range(seed % 5)) for seed in range(count)]


def misbehaves(machine: CompiledMachine, images: list[Image], inputs: list[bytes]) -> bool:
    """Whether the transformer differs from the reference in any of some programs."""
    try:
        lockstep(machine, DenseEngine(machine), images, inputs, steps=12)
    except LoopedError:
        return True
    return False


def certified(machine: CompiledMachine, circuit: Circuit, mutated: Mutation) -> bool:
    """Whether the certificate holds in float32. Blocks that were not touched are not shown anew."""
    subject = Subject.of(machine, circuit)
    claims = list(place_claims(subject))
    if mutated.name.startswith("layers."):
        claims += block_claims(subject, int(mutated.name.split(".")[1]))
    return all(c.holds for c in claims) and numeric_verdict(machine, "float32").exact
