"""What the tests of variants share: small machines, random programs, and lockstep with them."""

from __future__ import annotations

from functools import cache

from looped.artefact.architecture import CHOICES, Architecture
from looped.artefact.plan import CompiledMachine
from looped.engines.dense import DenseEngine
from looped.passes.variants import compile_for
from looped.profiles.case import Case
from looped.profiles.subleq.generate import generate
from looped.registry import registry
from looped.verify.lockstep import Agreement, lockstep
from tests.seeds import rng

ONE_PART = [Architecture(**{part: name}) for part, names in CHOICES.items() for name in names[1:]]
"""Every architecture that differs from the plain one in one part."""


def host(
    architecture: Architecture, beta: float | None = None, memory: int = 32
) -> CompiledMachine:
    """SUBLEQ of 8 bits in an architecture."""
    circuit = registry.machine("subleq").circuit(8, memory)
    return compile_for(circuit, architecture, beta)


@cache
def cases(memory: int = 32) -> tuple[Case, ...]:
    """Three random programs."""
    return tuple(generate(rng(seed), 8, memory, seed) for seed in range(3))


def compared(machine: CompiledMachine, steps: int = 40, uncertified: bool = False) -> Agreement:
    """The programs on the machine beside the reference. Raises Mismatch."""
    engine = DenseEngine(machine, uncertified=uncertified)
    found = cases(machine.plan.memory)
    return lockstep(machine, engine, [c.image for c in found], [c.data for c in found], steps)
