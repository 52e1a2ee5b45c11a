"""Machines with workers as artefacts: plan, first residual stream, file, Llama."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from looped.artefact.checkpoint import load_machine, save_machine
from looped.artefact.embedding import embed, embed_words, read_word
from looped.artefact.plan import CompiledMachine, Plan, Workers
from looped.artefact.validity import check_plan
from looped.errors import CompileError
from looped.passes.emit import compile_circuit
from tests.circuit.workers import adders


@pytest.fixture(scope="module")
def four() -> CompiledMachine:
    return compile_circuit(adders(), None, 4)


def test_columns_have_names(four: CompiledMachine) -> None:
    plan = four.plan
    assert (plan.cpus, plan.null, plan.columns) == (range(32, 36), 36, 37)
    assert [plan.column_name(c) for c in (31, 32, 35, 36)] == ["mem[31]", "cpu 0", "cpu 3", "null"]


def test_the_first_residual_stream(four: CompiledMachine) -> None:
    plan = four.plan
    x = embed([7], plan, entry=5)
    words = {name: read_word(x[:, list(lanes)]) for name, lanes in plan.words.items()}
    assert words["cpu"].tolist() == [0] * 32 + [1] * 4 + [0]
    assert words["device"].tolist() == [0] * 32 + [1] * 5
    assert words["position"].tolist() == [*range(32), 0, 0, 0, 0, 0]
    assert words["pc"].tolist() == [0] * 32 + [5] * 4 + [0]
    assert words["number"][32:].tolist() == [0, 1, 2, 3, 0]
    assert words["mask"][32:].tolist() == [3, 3, 3, 3, 0]
    assert words["value"].tolist() == [7] + [0] * 36
    null = np.flatnonzero(x[plan.null] == 1).tolist()
    assert null == sorted([*plan.words["one"], *plan.words["device"]])


@pytest.mark.parametrize("count", [0, 3, 8, -2])
def test_a_count_that_the_machine_cannot_have(four: CompiledMachine, count: int) -> None:
    with pytest.raises(CompileError) as caught:
        four.with_workers(count)
    assert caught.value.render() == (
        f"error: the machine cannot have {count} workers\nhint: a power of two from 1 to 4"
    )


def test_another_machine_has_one(machine: Callable[..., CompiledMachine]) -> None:
    subleq = machine("subleq", 8, 32)
    assert subleq.with_workers(1).plan == subleq.plan
    with pytest.raises(CompileError, match="the machine cannot have 2 workers"):
        subleq.with_workers(2)


def with_workers(plan: Plan, workers: Workers) -> Plan:
    return dataclasses.replace(plan, workers=workers)


@pytest.mark.parametrize(
    ("workers", "fault"),
    [
        (Workers(3, "number", "mask"), "it cannot have 3 workers"),
        (Workers(8, "number", "mask"), "it cannot have 8 workers"),
        (Workers(0, "number", "mask"), "it cannot have 0 workers"),
        (Workers(2, "number", "cpu"), "its workers have no registers"),
        (Workers(2, "number", "seen"), "its workers have no mask for their numbers"),
        (Workers(2, "mask", "mask"), "its workers have no mask for their numbers"),
    ],
)
def test_other_plans_are_invalid(four: CompiledMachine, workers: Workers, fault: str) -> None:
    check_plan(four.plan)
    with pytest.raises(ValueError, match=fault):
        check_plan(with_workers(four.plan, workers))


def test_workers_have_no_input_column(four: CompiledMachine) -> None:
    with pytest.raises(ValueError, match="it has workers and an input column"):
        check_plan(dataclasses.replace(four.plan, has_input=True))


def test_a_file_keeps_the_count(four: CompiledMachine, tmp_path: Path) -> None:
    save_machine(tmp_path / "four", four)
    loaded, _ = load_machine(tmp_path / "four")
    assert loaded.plan == four.plan
    assert loaded.with_workers(2).plan.workers == Workers(2, "number", "mask")


@pytest.mark.parametrize("workers", [1, 4])
def test_a_stock_llama_has_workers(four: CompiledMachine, workers: int, tmp_path: Path) -> None:
    """Every lane of every column, loop by loop."""
    transformers = pytest.importorskip("transformers")
    from looped.artefact.llama import export_llama

    machine = four.with_workers(workers)
    export_llama(machine, tmp_path)
    stock = transformers.LlamaModel.from_pretrained(tmp_path)
    own, count = machine.model(), machine.plan.columns
    memory = [20, 3, 21, 5, 22, 7, *range(1, 27)]
    x = y = torch.tensor(embed(memory, machine.plan)[None], dtype=torch.float32)
    with torch.inference_mode():
        for _ in range(6):
            x = own(x)
            y = stock(
                inputs_embeds=y,
                attention_mask=torch.zeros(1, 1, count, count),
                position_ids=torch.zeros(1, count, dtype=torch.long),
                use_cache=False,
            ).last_hidden_state
            assert torch.equal(x, y)
    sums = embed_words(np.array(memory[20 : 20 + workers]) + 3, 8)
    first = own(torch.tensor(embed(memory, machine.plan)[None], dtype=torch.float32))[0]
    value = list(machine.plan.words["value"])
    assert np.array_equal(first[20 : 20 + workers][:, value].numpy(), sums)
