"""Register files: what is read onto a word, what is written where, and a register that is zero."""

from __future__ import annotations

import pytest

from looped.circuit.circuit import Circuit
from looped.circuit.signals import literal
from looped.errors import CompileError
from looped.passes.emit import compile_circuit
from looped.verify.certificate import Certificate, certify
from tests.verify.certificate.registers import differs, loops, small_machine

FAULTS = {
    "x0 is a register like any other": ["`x` may make a sum that is not a bit"],
    "x0 is written": ["`result` may write to it"],
    "nothing is said of why": ["why.0: it is not always a bit"],
    "why without a stop": ["it may fail after a loop"],
    "a register is added to ones": ["`y` may make a sum that is not a bit"],
}


def shown(circuit: Circuit) -> Certificate:
    return certify(compile_circuit(circuit), circuit)


def faults(found: Certificate) -> list[str]:
    return [claim.fault for claim in found.claims if claim.fault is not None]


def test_a_machine_with_a_register_file_is_certified_and_does_what_its_circuit_says() -> None:
    circuit = small_machine()
    found = shown(circuit)
    assert faults(found) == []
    assert found.certified("float32") and found.certified("float64")
    assert not differs(compile_circuit(circuit), loops(circuit, 64, seed=0))
    parts = {claim.part: claim.statement for claim in found.claims if claim.block is None}
    begins = "where a program begins at a word of memory"
    assert parts["registers"] == f"no stop, no why: {begins}, and after every loop"
    assert parts["x0"] == "is zero at the beginning, and nothing is ever written to it"


@pytest.mark.parametrize("wrong", FAULTS)
def test_what_a_machine_with_a_register_file_may_not_do(wrong: str) -> None:
    assert faults(shown(small_machine(wrong))) == FAULTS[wrong]


def test_an_invariant_that_does_not_hold_at_the_beginning_is_found_out() -> None:
    circuit = small_machine()
    stop = next(r for r in circuit.registers if r.name == "stop")
    circuit.invariant("always stopped", literal(stop.word))
    assert faults(shown(circuit)) == ["it does not hold at the beginning"]


def test_an_invariant_is_about_registers() -> None:
    circuit = small_machine()
    circuit.invariant("no ones", ~literal(circuit.defines[0].target[:1]))
    with pytest.raises(CompileError, match=r"invariant `no ones` at .* belongs to no register"):
        circuit.check()
