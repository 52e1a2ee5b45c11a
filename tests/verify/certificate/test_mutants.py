"""A certificate must be able to fail: one wrong weight at a time.

Whatever makes a program misbehave must be refused: 0 missed. What is refused although no program
was seen to misbehave is counted too, and so is what makes no difference at all.
"""

from __future__ import annotations

from collections import Counter

import pytest

from looped import registry
from looped.passes.emit import compile_circuit
from tests.conftest import compiled
from tests.verify.certificate.mutants import (
    outcomes,
    registers_misbehaves,
    rv32i_misbehaves,
    subleq_misbehaves,
)
from tests.verify.certificate.registers import small_machine

MEMORY = 32


def of_subleq(width: int, count: int, seed: int) -> Counter[tuple[str, str]]:
    machine = compiled("subleq", width, MEMORY)
    circuit = registry.machine("subleq").circuit(width, MEMORY)
    return outcomes(machine, circuit, subleq_misbehaves(width, MEMORY), count, seed)


def of_rv32i(count: int, seed: int, each: int) -> Counter[tuple[str, str]]:
    machine = compiled("rv32i", 32, MEMORY)
    circuit = registry.machine("rv32i").circuit(32, MEMORY)
    return outcomes(machine, circuit, rv32i_misbehaves(MEMORY, each), count, seed)


def of_registers(count: int, seed: int) -> Counter[tuple[str, str]]:
    circuit = small_machine()
    machine = compile_circuit(circuit)
    return outcomes(machine, circuit, registers_misbehaves(circuit), count, seed)


def test_no_mutation_that_changes_behaviour_is_certified() -> None:
    counts = of_subleq(8, count=30, seed=0)
    assert counts["misbehaves", "certified"] == 0
    assert counts["misbehaves", "refused"] >= 10


def test_no_mutation_of_a_machine_with_registers_that_changes_behaviour_is_certified() -> None:
    counts = of_registers(count=30, seed=0)
    assert counts["misbehaves", "certified"] == 0
    assert counts["misbehaves", "refused"] >= 10


def test_no_mutation_of_rv32i_that_changes_behaviour_is_certified() -> None:
    counts = of_rv32i(count=2, seed=3, each=1)
    assert counts["misbehaves", "certified"] == 0
    assert counts["misbehaves", "refused"] >= 1


@pytest.mark.slow
@pytest.mark.parametrize(("width", "count"), [(8, 600), (16, 200)])
def test_no_mutation_of_hundreds_that_changes_behaviour_is_certified(
    width: int, count: int
) -> None:
    counts = of_subleq(width, count, seed=1)
    assert counts["misbehaves", "certified"] == 0
    assert counts["misbehaves", "refused"] >= count // 2
    assert counts["behaves", "certified"] >= count // 20, "not everything may be refused"


@pytest.mark.slow
def test_no_mutation_of_hundreds_of_a_machine_with_registers_is_certified_wrongly() -> None:
    counts = of_registers(count=200, seed=1)
    assert counts["misbehaves", "certified"] == 0
    assert counts["misbehaves", "refused"] >= 100
    assert counts["behaves", "certified"] >= 20, "not everything may be refused"


@pytest.mark.slow
def test_no_mutation_of_a_hundred_of_rv32i_that_changes_behaviour_is_certified() -> None:
    counts = of_rv32i(count=100, seed=1, each=8)
    assert counts["misbehaves", "certified"] == 0
    assert counts["misbehaves", "refused"] >= 50
    assert counts["behaves", "certified"] >= 10, "not everything may be refused"
