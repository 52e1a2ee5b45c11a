"""Weights and plans under which workers go wrong together, but none alone."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest
from torch import Tensor

from looped.artefact.plan import CompiledMachine, Workers
from looped.circuit.circuit import Circuit
from looped.circuit.words import ONE, Lane
from looped.passes.allocate import CPU, TAG, allocate
from looped.passes.emit import compile_circuit
from looped.passes.fuse_reads import fuse_reads
from looped.passes.schedule import schedule
from looped.verify.certificate import certify, numeric_verdict
from tests.circuit.workers import adders
from tests.verify.certificate.team_parts import APART
from tests.verify.certificate.teams import agrees, team

CIRCUIT = team(APART["own places"])
MACHINE = compile_circuit(CIRCUIT)
LANE = allocate(schedule(fuse_reads(CIRCUIT))).index
FREE = 7
"""A dimension that no head of the machine uses."""


def failed(machine: CompiledMachine, circuit: Circuit = CIRCUIT) -> list[str]:
    return [f"{c.part}: {c.fault}" for c in certify(machine, circuit).claims if not c.holds]


def changed(
    name: str, change: Callable[[Tensor, Tensor], None], machine: CompiledMachine = MACHINE
) -> CompiledMachine:
    """A machine with other queries and keys in the head of that name."""
    size = machine.plan.d_head
    for block, plan in enumerate(machine.plan.blocks):
        for number, head in enumerate(plan.heads):
            if head.name == name:
                names = [f"layers.{block}.self_attn.{part}_proj.weight" for part in "qk"]
                q, k = (machine.weights[each].clone() for each in names)
                rows = slice(number * size, (number + 1) * size)
                change(q[rows], k[rows])
                weights = {**machine.weights, names[0]: q, names[1]: k}
                return dataclasses.replace(machine, weights=weights)
    raise AssertionError(name)


def dimension(k: Tensor) -> int:
    """The dimension of a head in which workers lose: the only one whose keys read `cpu` alone."""
    only = (k != 0).sum(dim=1) == 1
    (found,) = (only & (k[:, LANE[CPU[0]]] != 0)).nonzero().flatten().tolist()
    return int(found)


def to_a_worker(q: Tensor, k: Tensor) -> None:
    """A worker with the number 1 or 3 prefers workers with the others."""
    number, beta = LANE[Lane("number", 0)], float(q.abs().max())
    assert not q[FREE].any() and not k[FREE].any()
    q[FREE, number] = q[FREE, LANE[ONE]] = beta
    k[FREE, LANE[CPU[0]]], k[FREE, number] = 1, -1


def to_any_worker(q: Tensor, k: Tensor) -> None:
    """Memory and the null column attend to a worker, whose value is zero as that of the null column
    is. With several workers all are as good."""
    place = dimension(k)
    q[place, LANE[CPU[0]]], q[place, LANE[ONE]] = q[place, LANE[ONE]].item(), 0


@pytest.mark.parametrize("attack", [to_a_worker, to_any_worker])
@pytest.mark.parametrize("name", ["read", "word"])
def test_a_head_that_is_right_with_one_worker(
    attack: Callable[[Tensor, Tensor], None], name: str
) -> None:
    machine = changed(name, attack)
    assert failed(machine) == []
    faults = failed(machine.with_workers(4))
    assert faults and all(fault.startswith("attention") for fault in faults)


def no_dimension(q: Tensor, k: Tensor) -> None:
    """Workers are as good as the null column."""
    q[dimension(k)] = 0


def half_a_dimension(q: Tensor, k: Tensor) -> None:
    """Workers lose by less than the plan says."""
    q[dimension(k)] *= 0.5


def opposite_dimension(q: Tensor, k: Tensor) -> None:
    """Workers win."""
    k[dimension(k)] *= -1


@pytest.mark.parametrize("attack", [no_dimension, half_a_dimension, opposite_dimension])
@pytest.mark.parametrize("name", ["read", "word", "erase for own"])
def test_a_head_in_which_workers_do_not_lose(
    attack: Callable[[Tensor, Tensor], None], name: str
) -> None:
    faults = failed(changed(name, attack).with_workers(4))
    assert any(fault.startswith("attention") for fault in faults)


@pytest.mark.parametrize("factor", [0.5, 2, -1, 0])
@pytest.mark.parametrize("lane", [CPU[0], TAG[0]])
@pytest.mark.parametrize("name", ["own places", "one worker"])
def test_a_write_with_another_bias(name: str, lane: Lane, factor: float) -> None:
    """Of a worker that writes, of one that does not, or of the null column; with a `when` too. What
    is not refused is harmless: keys of the null column that grow beside those of memory."""
    circuit = team(APART[name])
    index = allocate(schedule(fuse_reads(circuit))).index
    machine = compile_circuit(circuit, workers=4)
    writing = {True: "write own", False: "write alone"}[name == "own places"]

    def bias(q: Tensor, k: Tensor) -> None:
        rows = (k[:, index[TAG[0]]] != 0) | (k[:, index[CPU[0]]] != 0)
        assert rows.sum() == 2
        k[rows, index[lane]] *= factor

    other = changed(writing, bias, machine)
    assert failed(other, circuit) or (
        (lane, factor) in {(CPU[0], 0.5), (CPU[0], 2)}
        and all(agrees(other, circuit, seed) for seed in range(3))
    )


@pytest.mark.parametrize(
    "workers",
    [
        None,
        Workers(2, "mask", "number"),
        Workers(2, "number", "number"),
        Workers(2, "pc", "mask"),
        Workers(2, "number", "base"),
        Workers(3, "number", "mask"),
        Workers(8, "number", "mask"),
        Workers(0, "number", "mask"),
        Workers(-2, "number", "mask"),
    ],
)
def test_a_plan_with_other_workers_is_refused(workers: Workers | None) -> None:
    plan = dataclasses.replace(MACHINE.plan, workers=workers)
    assert len(failed(dataclasses.replace(MACHINE, plan=plan))) == 1


def test_a_plan_that_puts_the_number_elsewhere_is_refused() -> None:
    """Workers would begin with the number 0 each, or with another mask."""
    words = MACHINE.plan.words
    for lies in (
        {"number": words["base"][:2], "base": (*words["number"], *words["base"][2:])},
        {"number": words["mask"], "mask": words["number"]},
        {"number": words["number"][::-1]},
    ):
        plan = dataclasses.replace(MACHINE.plan, words={**words, **lies})
        machine = dataclasses.replace(MACHINE, plan=plan).with_workers(4)
        assert len(failed(machine)) == 1


def test_a_certificate_is_for_the_circuit_that_is_given() -> None:
    """The weights of workers that write to one address pass for no circuit in which they do not."""
    meeting = compile_circuit(adders(apart=False), workers=4)
    assert failed(meeting, adders())
    assert failed(meeting, adders(apart=False)) == [
        "workers: `total` of a worker may meet `total` of another"
    ]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_numbers_do_not_depend_on_the_count(dtype: str) -> None:
    """The cheap part has one class for all workers: the same margins and sums."""
    verdicts = [numeric_verdict(MACHINE.with_workers(count), dtype) for count in (1, 2, 4)]
    assert all(verdict.exact and verdict == verdicts[0] for verdict in verdicts)


def test_a_small_margin_is_refused_without_a_proof_too() -> None:
    def scaled(q: Tensor, k: Tensor) -> None:
        q *= 2.0**-12

    machine = changed("read", scaled)
    for count in (1, 4):
        verdict = numeric_verdict(machine.with_workers(count), "float32")
        assert "the plan says a scaled margin" in verdict.faults[0]
