"""Heads of machines with workers: who attends to whom, by which margin, whatever the count."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from looped.artefact.embedding import embed
from looped.artefact.plan import CompiledMachine, Plan
from looped.passes.emit import compile_circuit
from tests import seeds
from tests.circuit.workers import adders

MACHINES = [(0, True), (0, False), (2, True)]


@pytest.mark.parametrize(("register_bits", "flagged"), MACHINES)
def test_no_weight_depends_on_the_count(register_bits: int, flagged: bool) -> None:
    one, four = (compile_circuit(adders(register_bits, flagged), None, n) for n in (1, 4))
    assert (len(one.plan.cpus), len(four.plan.cpus)) == (1, 4)
    assert one.weights.keys() == four.weights.keys()
    assert all(torch.equal(one.weights[name], four.weights[name]) for name in one.weights)
    assert one.with_workers(4).plan == four.plan and four.with_workers(1).plan == one.plan


@pytest.mark.parametrize("workers", [1, 2, 4])
@pytest.mark.parametrize(("register_bits", "flagged"), MACHINES)
def test_the_best_score_leads_by_the_margin(
    register_bits: int, flagged: bool, workers: int
) -> None:
    """In states in which CPU columns hold anything. Only writes lead to a worker, and only from
    memory or registers; where several workers write to one column, the lead is zero."""
    machine = compile_circuit(adders(register_bits, flagged), None, workers)
    plan, written = machine.plan, 0
    for seed in range(20):
        x = anything(plan, seed)
        for block, heads in enumerate(plan.blocks):
            for number, head in enumerate(heads.heads):
                scores = scores_of(machine, block, number, x) / head.beta
                order = np.sort(scores, axis=1)
                lead, winner = order[:, -1] - order[:, -2], scores.argmax(axis=1)
                outside = np.arange(plan.columns) >= plan.cpu
                if not head.name.startswith("write "):
                    assert (lead >= head.margin).all(), head.name
                    assert not np.isin(winner, plan.cpus).any(), head.name
                    assert head.name.startswith("erase") or (winner[plan.null] == plan.null)
                    continue
                assert (winner[outside] == plan.null).all()
                assert ((lead >= head.margin) | (lead == 0)).all()
                assert (lead[outside] >= head.margin).all()
                hit = np.isin(winner, plan.cpus)
                assert (hit | (winner == np.arange(plan.columns)) | outside).all()
                assert hit[lead == 0].all()
                written += int((hit & (lead > 0)).sum())
    assert written > 5


def anything(plan: Plan, seed: int) -> np.ndarray:
    """A state in mid-pass: all lanes of CPU columns are random, but for those that no weight
    writes, and for the word of a column."""
    rng = seeds.generator(seed)
    x = embed(rng.integers(0, 256, 32).tolist(), plan).astype(np.float64)
    free = np.ones(plan.d_model, np.bool_)
    for name, lanes in plan.words.items():
        if name in ("one", "cpu", "device", "register", "value") or name.startswith("position"):
            free[list(lanes)] = False
    shape = (len(plan.cpus), int(free.sum()))
    x[np.ix_(list(plan.cpus), np.flatnonzero(free).tolist())] = rng.choice([-1.0, 1.0], shape)
    return x


def scores_of(machine: CompiledMachine, block: int, head: int, x: np.ndarray) -> np.ndarray:
    """Scores (queries, keys) of a head."""
    plan = machine.plan
    rows = slice(head * plan.d_head, (head + 1) * plan.d_head)
    q, k = (
        x @ machine.weights[f"layers.{block}.self_attn.{part}_proj.weight"][rows].double().numpy().T
        for part in "qk"
    )
    scores: np.ndarray = q @ k.T / np.sqrt(plan.d_head)
    return scores
