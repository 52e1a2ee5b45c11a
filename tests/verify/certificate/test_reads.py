"""Reads that are narrow or depend on a bit: certified as they are, refused with wrong weights."""

from __future__ import annotations

import dataclasses

import pytest

from looped.artefact.plan import CompiledMachine
from looped.circuit.circuit import Circuit
from looped.passes.allocate import allocate
from looped.passes.emit import compile_circuit
from looped.passes.fuse_reads import fuse_reads
from looped.passes.schedule import schedule
from looped.verify.certificate import certify


def gated(bits: slice = slice(None), address: int = 3) -> Circuit:
    """A word is copied in every other loop."""
    m = Circuit("gated", 4, 3)
    pc, flag = m.register("pc", 3), m.register("flag", 1)
    found = m.read("far", pc[:address], when=flag, bits=bits)
    m.output("found", found, len(found))
    m.next(pc, m.add(pc, 1))
    m.next(flag, m.select(flag, 0, 1))
    return m


def failed(machine: CompiledMachine, circuit: Circuit) -> list[str]:
    return [str(claim.part) for claim in certify(machine, circuit).claims if not claim.holds]


@pytest.mark.parametrize("address", [2, 3])
@pytest.mark.parametrize("bits", [slice(None), slice(2), slice(1, 3), slice(-1, None)])
def test_gated_and_narrow_reads_are_certified(bits: slice, address: int) -> None:
    circuit = gated(bits, address)
    assert failed(compile_circuit(circuit), circuit) == []


@pytest.mark.parametrize("row", range(4))
def test_a_read_that_does_not_depend_on_its_bit_is_refused(row: int) -> None:
    """The bit is taken out of one lane of the address, or of the tag."""
    circuit = gated()
    machine = compile_circuit(circuit)
    lane = allocate(schedule(fuse_reads(circuit))).index[circuit.registers[1].word[0]]
    name = "layers.0.self_attn.q_proj.weight"
    query = machine.weights[name].clone()
    assert query[row, lane] != 0
    query[row, lane] = 0
    wrong = dataclasses.replace(machine, weights={**machine.weights, name: query})
    assert "attention: CPU" in failed(wrong, circuit)


def test_a_read_of_other_bits_is_refused() -> None:
    """Also where the plan explains the heads as if it read the right ones."""
    right, machine = gated(slice(2)), compile_circuit(gated(slice(1, 3)))
    assert failed(machine, right) == ["explanation"]
    plan = dataclasses.replace(machine.plan, blocks=compile_circuit(right).plan.blocks)
    assert failed(dataclasses.replace(machine, plan=plan), right) == ["attention: CPU"]
