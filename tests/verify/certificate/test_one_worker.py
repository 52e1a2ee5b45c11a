"""A machine that may have several CPU columns: certified with one of them and a null column."""

from __future__ import annotations

import dataclasses

import pytest

from looped.artefact.plan import CompiledMachine, Workers
from looped.circuit.circuit import Circuit
from looped.passes.allocate import allocate
from looped.passes.emit import compile_circuit
from looped.passes.fuse_reads import fuse_reads
from looped.passes.schedule import schedule
from looped.verify.certificate import certify


def adding() -> Circuit:
    """Each worker adds a word to that at its number, if a bit says so."""
    m = Circuit("adding", 4, 3)
    pc, number, mask = m.register("pc", 3), m.register("number", 3), m.register("mask", 3)
    m.has_workers(number, mask)
    adds = m.register("adds", 1)
    word, own = m.fetch("word", pc), m.read("own", number, when=adds)
    target = m.let("target", m.add(pc, number))
    m.write("sum", target, m.let("both", m.add(word, own)), when=adds)
    m.next(pc, m.add(pc, 1))
    m.next(adds, m.select(adds, 0, 1))
    return m


def failed(machine: CompiledMachine, circuit: Circuit) -> list[str]:
    return [f"{c.part}: {c.fault}" for c in certify(machine, circuit).claims if not c.holds]


def test_one_worker_is_certified() -> None:
    circuit = adding()
    found = certify(compile_circuit(circuit), circuit)
    assert [claim.fault for claim in found.claims if not claim.holds] == []
    assert found.certified("float32") and found.certified("float64")


def test_several_workers_are_refused() -> None:
    circuit = adding()
    machine = compile_circuit(circuit).with_workers(2)
    assert failed(machine, circuit) == ["plan: it has 2 CPU columns, but the proof covers one"]


@pytest.mark.parametrize("workers", [None, Workers(1, "mask", "number"), Workers(1, "pc", "mask")])
def test_a_plan_with_other_workers_is_refused(workers: Workers | None) -> None:
    circuit = adding()
    machine = compile_circuit(circuit)
    plan = dataclasses.replace(machine.plan, workers=workers)
    assert len(failed(dataclasses.replace(machine, plan=plan), circuit)) == 1


@pytest.mark.parametrize("part", ["q_proj", "k_proj"])
def test_a_column_that_attends_to_a_worker_is_refused(part: str) -> None:
    """Without the dimension in which workers lose, they are as good as the null column."""
    circuit = adding()
    machine = compile_circuit(circuit)
    lane = allocate(schedule(fuse_reads(circuit))).index
    cpu = next(index for name, index in lane.items() if name.word == "cpu")
    name = f"layers.0.self_attn.{part}.weight"
    key = machine.weights["layers.0.self_attn.k_proj.weight"]
    weight = machine.weights[name].clone()
    weight[key[:, cpu] != 0] = 0
    wrong = dataclasses.replace(machine, weights={**machine.weights, name: weight})
    assert any(fault.startswith("attention") for fault in failed(wrong, circuit))
