"""RV32I's circuit is its manual; each of these slips is refuted by a state that shows it."""

from __future__ import annotations

import pytest

from looped import registry
from looped.machines.rv32i import machine
from looped.verify.prove.counterexample import differences
from looped.verify.prove.prover import Refuted, prove
from tests.machines.rv32i_faults import FAULTS, Fault

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("memory", [32, 32768])
def test_the_circuit_is_the_manual(memory: int) -> None:
    proof = prove(registry.machine("rv32i").circuit(32, memory))
    assert proof.cases > 400
    assert proof.claims > 3000


@pytest.mark.parametrize("fault", FAULTS[::2], ids=lambda fault: fault.name)
def test_a_fault_is_refuted_by_a_state_that_shows_it_on_the_weights(fault: Fault) -> None:
    with pytest.MonkeyPatch.context() as patch:
        fault.apply(patch)
        circuit = machine.describe(32, 5)
    with pytest.raises(Refuted) as caught:
        prove(circuit)
    assert differences(circuit, caught.value.state)
