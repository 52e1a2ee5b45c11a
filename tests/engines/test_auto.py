"""The automatic engine takes the fastest that can run a model, and says what and why."""

from __future__ import annotations

import numpy as np
import pytest

from looped.artefact.embedding import embed
from looped.artefact.plan import CompiledMachine
from looped.engines.auto import AutoEngine
from looped.engines.dense import DenseEngine
from looped.errors import CompileError
from tests.conftest import compiled

WORDS = [9, 10, 6, 0, 0, 0, 9, 10, 0, 5, 3]


def chosen(machine: CompiledMachine, x: np.ndarray, **options: str) -> list[str]:
    """What it reports; its states are compared with those of the dense engine."""
    reports: list[str] = []
    auto, dense = AutoEngine(machine, report=reports.append, **options), DenseEngine(machine)
    for engine in (auto, dense):
        engine.load(x)
        engine.step(2)
    auto.settle()
    for engine in (auto, dense):
        engine.step(2)
    assert np.array_equal(auto.state(), dense.state())
    return reports


def test_our_machines_are_lifted() -> None:
    small = compiled("subleq", 8, 32)
    assert chosen(small, embed(WORDS, small.plan)[None]) == [
        "engine: array",
        "engine: lifted",
    ]


def test_without_a_proof_for_all_states_it_is_the_event_engine() -> None:
    """A second column that computes: the input column, which is given the CPU's tag."""
    small = compiled("subleq", 8, 32)
    x = embed(WORDS, small.plan)[None].copy()
    x[0, small.plan.input, small.plan.words["cpu"]] = 1
    reports = chosen(small, x)
    assert reports[0] == "engine: array"
    assert reports[1].startswith("not lifted: several columns compute")
    assert reports[2:] == ["engine: event"]


def test_inexact_sums_are_for_the_dense_engine() -> None:
    small = compiled("subleq", 8, 32)
    name = "layers.1.mlp.gate_proj.weight"
    weight = small.weights[name] * (1 + 2**-20)
    inexact = CompiledMachine(small.plan, {**small.weights, name: weight})
    reports = chosen(inexact, embed(WORDS, small.plan)[None])
    assert [report[:10] for report in reports] == ["not lifted", "not event:", "engine: de"]


def test_the_choice_is_made_again_when_the_host_changes_a_constant() -> None:
    """It turns the input column into a second CPU in the middle of a run."""
    small = compiled("subleq", 8, 32)
    reports: list[str] = []
    auto, dense = AutoEngine(small, report=reports.append), DenseEngine(small)
    tag = np.array(small.plan.words["cpu"])
    for engine in (auto, dense):
        engine.load(embed(WORDS, small.plan)[None])
    auto.settle()
    for engine in (auto, dense):
        engine.step(2)
        engine.write(0, small.plan.input, tag, [1])
        engine.step(2)
    assert np.array_equal(auto.state(), dense.state())
    assert reports[:2] == ["engine: array", "engine: lifted"]
    assert reports[2].startswith("not lifted") and reports[3:] == ["engine: event"]


def test_fallbacks_of_an_engine_before_count_as_well() -> None:
    small = compiled("subleq", 8, 32)
    auto = AutoEngine(small)
    auto.load(embed(WORDS, small.plan)[None])
    auto.settle()
    auto.engine.fallbacks = 3  # type: ignore[misc]
    auto.write(0, small.plan.input, np.array(small.plan.words["cpu"]), [1])
    auto.step(1)
    assert auto.names[0] != "lifted" and auto.fallbacks >= 3


def test_a_dtype_that_no_engine_has_is_refused() -> None:
    with pytest.raises(CompileError, match="no dtype named `int8`"):
        AutoEngine(compiled("subleq", 8, 32), dtype="int8")
