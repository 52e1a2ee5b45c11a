"""Machines with one wrong weight, and whether anything that runs on them goes wrong."""

from __future__ import annotations

import dataclasses
import itertools
import random
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from looped.artefact.plan import CompiledMachine
from looped.circuit.circuit import Circuit
from looped.engines.dense import DenseEngine
from looped.errors import LoopedError
from looped.isa.rv32i import INSTRUCTIONS
from looped.verify.certificate.certify import block_claims, whole_claims
from looped.verify.certificate.context import ProofContext
from looped.verify.certificate.premises import premise_claims
from looped.verify.certificate.verdicts import numeric_verdict
from looped.verify.lockstep import lockstep
from tests import seeds
from tests.machines.rv32i_cases import case, one_loop
from tests.verify.certificate.registers import differs, loops
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


Misbehaves = Callable[[CompiledMachine], bool]
"""Whether a machine does anything else than it should, in all that is tried."""


def subleq_misbehaves(width: int, memory: int) -> Misbehaves:
    """Two dozen random programs with inputs of several lengths, in lockstep with the reference."""
    images = [random_program(seed, width, memory, seed % 4 / 10) for seed in range(24)]
    inputs = [bytes(range(seed % 5)) for seed in range(24)]

    def misbehaves(machine: CompiledMachine) -> bool:
        try:
            lockstep(machine, DenseEngine(machine), images, inputs, steps=12)
        except LoopedError:
            return True
        return False

    return misbehaves


def rv32i_misbehaves(memory: int, each: int) -> Misbehaves:
    """Every instruction in random states biased to corners, against the reference.

    Some of the words are no instructions, and in some of the states the hart is in a trap.
    """
    rng = seeds.rng(0)
    cases = [case(rng, name, memory) for _ in range(each) for name in [*INSTRUCTIONS, None]]
    for trapped in cases[:: len(cases) // 8]:
        trapped.trap, trapped.cause = 1, rng.choice((0, 2, 3, 11))
    rng.shuffle(cases)
    batches = [cases[first : first + 24] for first in range(0, len(cases), 24)]

    def misbehaves(machine: CompiledMachine) -> bool:
        return any(one_loop(machine, batch) for batch in batches)

    return misbehaves


def registers_misbehaves(circuit: Circuit) -> Misbehaves:
    """The small machine with a register file in random states, against its circuit."""
    told = loops(circuit, 200, seed=0)
    return lambda machine: differs(machine, told)


def certified(machine: CompiledMachine, circuit: Circuit, mutated: Mutation) -> bool:
    """Whether the certificate holds in float32. Blocks that were not touched are not shown anew."""
    blocks = [int(mutated.name.split(".")[1])] if mutated.name.startswith("layers.") else []
    return shown(machine, circuit, blocks)


def shown(machine: CompiledMachine, circuit: Circuit, blocks: Iterable[int]) -> bool:
    """Whether all claims about a machine and about some of its blocks hold, in float32."""
    if not all(claim.holds for claim in premise_claims(machine, circuit)):
        return False
    context = ProofContext.of(machine, circuit)
    claims = itertools.chain(whole_claims(context), *(block_claims(context, b) for b in blocks))
    return numeric_verdict(machine, "float32").exact and all(claim.holds for claim in claims)


def outcomes(
    machine: CompiledMachine, circuit: Circuit, misbehaves: Misbehaves, count: int, seed: int
) -> Counter[tuple[str, str]]:
    """(behaviour, certificate) of `count` seeded mutations."""
    rng = seeds.rng(seed)
    counts: Counter[tuple[str, str]] = Counter()
    for _ in range(count):
        mutated = mutation(machine, rng)
        wrong = mutated.apply(machine)
        behaviour = "misbehaves" if misbehaves(wrong) else "behaves"
        verdict = "certified" if certified(wrong, circuit, mutated) else "refused"
        counts[behaviour, verdict] += 1
    print(f"{circuit.name}, {circuit.width} bits, {count} mutations:", dict(counts))
    return counts
