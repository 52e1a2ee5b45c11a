"""Structured mutants: what misbehaves is refused, kind by kind; some that behave are certified."""

from __future__ import annotations

from collections import Counter

import pytest

from looped import api, registry
from looped.artefact.plan import CompiledMachine
from tests import seeds
from tests.conftest import compiled
from tests.verify.certificate.mutants import Misbehaves, shown, subleq_misbehaves
from tests.verify.certificate.structured import KINDS, Bench, padded

WIDTH, MEMORY = 8, 32
CIRCUIT = registry.machine("subleq").circuit(WIDTH, MEMORY)


def machine() -> CompiledMachine:
    return padded(compiled("subleq", WIDTH, MEMORY))


def outcomes(kind: str, count: int, misbehaves: Misbehaves) -> Counter[tuple[str, str]]:
    """(behaviour, certificate) of seeded mutants of one kind, and a row of the table."""
    original, counts = machine(), Counter[tuple[str, str]]()
    blocks = range(len(original.plan.blocks))
    for seed in range(count):
        bench = Bench(original, seeds.rng(f"{kind} {seed}"))
        KINDS[kind](bench)
        mutant = bench.machine()
        behaviour = "misbehaves" if misbehaves(mutant) else "behaves"
        verdict = "certified" if shown(mutant, CIRCUIT, blocks) else "refused"
        counts[behaviour, verdict] += 1
    cells = [counts[b, v] for b in ("misbehaves", "behaves") for v in ("refused", "certified")]
    print(f"| {kind} | {cells[0]} | **{cells[1]}** | {cells[2]} | {cells[3]} |")
    return counts


@pytest.fixture(scope="module")
def misbehaves() -> Misbehaves:
    return subleq_misbehaves(WIDTH, MEMORY)


def test_a_machine_with_idle_heads_and_units_is_certified() -> None:
    found = api.certify(machine())
    assert [claim.fault for claim in found.claims if not claim.holds] == []
    assert found.certified("float32")


@pytest.mark.parametrize("kind", KINDS)
def test_no_structured_mutant_that_misbehaves_is_certified(
    kind: str, misbehaves: Misbehaves
) -> None:
    assert outcomes(kind, 1, misbehaves)["misbehaves", "certified"] == 0


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_no_structured_mutant_of_many_that_misbehaves_is_certified(
    kind: str, misbehaves: Misbehaves
) -> None:
    assert outcomes(kind, 20, misbehaves)["misbehaves", "certified"] == 0
