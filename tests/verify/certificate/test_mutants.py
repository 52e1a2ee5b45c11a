"""A certificate must be able to fail: one wrong weight at a time.

Whatever makes a program misbehave must be refused: 0 missed. What is refused although no program
was seen to misbehave is counted too, and so is what makes no difference at all.
"""

from __future__ import annotations

import random
from collections import Counter

import pytest

from looped.machines import MACHINES
from tests.conftest import compiled
from tests.verify.certificate.mutants import certified, misbehaves, mutation, programs


def outcomes(width: int, memory: int, count: int, seed: int) -> Counter[tuple[str, str]]:
    """(behaviour, certificate) of `count` seeded mutations."""
    machine, circuit = compiled("subleq", width, memory), MACHINES["subleq"].circuit(width, memory)
    images, inputs = programs(width, memory, 24)
    rng = random.Random(seed)
    counts: Counter[tuple[str, str]] = Counter()
    for _ in range(count):
        mutated = mutation(machine, rng)
        wrong = mutated.apply(machine)
        behaviour = "misbehaves" if misbehaves(wrong, images, inputs) else "behaves"
        verdict = "certified" if certified(wrong, circuit, mutated) else "refused"
        counts[behaviour, verdict] += 1
    print(f"{width} bits, {count} mutations:", dict(counts))
    return counts


def test_no_mutation_that_changes_behaviour_is_certified() -> None:
    counts = outcomes(8, 32, count=30, seed=0)
    assert counts["misbehaves", "certified"] == 0
    assert counts["misbehaves", "refused"] >= 10


@pytest.mark.slow
@pytest.mark.parametrize(("width", "count"), [(8, 600), (16, 200)])
def test_no_mutation_of_hundreds_that_changes_behaviour_is_certified(
    width: int, count: int
) -> None:
    counts = outcomes(width, 32, count, seed=1)
    assert counts["misbehaves", "certified"] == 0
    assert counts["misbehaves", "refused"] >= count // 2
    assert counts["behaves", "certified"] >= count // 20, "not everything may be refused"
