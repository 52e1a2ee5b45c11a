"""Passes in NumPy equal those of the dense engine, and never guess."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import looped
import looped.api
from looped.artefact.embedding import embed, embed_compact
from looped.artefact.residual import Residuals
from looped.engines.array.columns import Columns
from looped.engines.array.tabulate import tabulate
from looped.engines.dense import DenseEngine
from looped.errors import CompileError
from looped.passes.emit import compile_circuit
from looped.verify.lockstep import lockstep
from tests import seeds
from tests.circuit.workers import adders
from tests.conftest import compiled, examples
from tests.engines.arrays import array, model_of
from tests.engines.faults import faults
from tests.engines.shuffled import shuffled
from tests.programs.headers import Program, programs
from tests.verify.random_programs import programs as random_programs
from tests.verify.random_programs import random_program

NAMES = ("hello", "echo", "fibonacci")
SOME = [p for p in programs() if p.path.stem in NAMES]


@pytest.mark.parametrize("program", SOME, ids=[f"{p.path.parent.name}-{p.path.stem}" for p in SOME])
def test_programs_run_like_the_reference_without_a_fallback(program: Program) -> None:
    image = looped.assemble(program.path)
    machine = compiled(image.machine, image.width, looped.api.smallest_memory(image))
    engine = array(machine)
    lockstep(machine, engine, [image], [program.input], steps=60)
    assert engine.fallbacks == 0


@examples(0.1, shrink=False)
@given(data=st.data())
def test_random_programs_run_like_the_reference(data: st.DataObject) -> None:
    machine = compiled("subleq", 16, 64)
    images = data.draw(st.lists(random_programs(16, 64), min_size=2, max_size=2))
    inputs = data.draw(st.lists(st.binary(max_size=8), min_size=2, max_size=2))
    engine = array(machine)
    lockstep(machine, engine, images, inputs, steps=60)
    assert engine.fallbacks == 0


@pytest.mark.parametrize("seed", range(3))
def test_where_lanes_heads_and_units_lie_is_all_the_same(seed: int) -> None:
    machine = compiled("subleq", 8, 64)
    moved, lanes = shuffled(machine, seed)
    x = np.stack([embed(random_program(s, 8, 64, 0.1).words, machine.plan) for s in range(2)])
    engine, dense = array(moved), DenseEngine(moved)
    for each in (engine, dense):
        each.load(x[:, :, lanes])
    for _ in range(30):
        engine.step()
        dense.step()
        assert np.array_equal(engine.state(), dense.state())
    assert engine.fallbacks == 0


def test_whatever_a_wrong_weight_changes_is_the_same_in_both() -> None:
    """Single faults: the engine follows the dense trace or refuses the model."""
    small = compiled("subleq", 8, 32)
    x = embed(random_program(3, 8, 32, 0.0).words, small.plan)[None]
    refused = fell_back = 0
    for faulty in faults(small, 45):
        dense = DenseEngine(faulty)
        dense.load(x)
        try:
            engine = array(faulty)
            engine.load(x)
        except CompileError:
            refused += 1
            continue
        for _ in range(6):
            engine.step()
            dense.step()
            assert np.array_equal(engine.state(), dense.state())
        fell_back += engine.fallbacks > 0
    assert refused < 42 and fell_back >= 2


def test_what_a_host_writes_is_seen_and_remembered() -> None:
    """In a lane that changes, in a static lane, and a value that is not ±1."""
    small = compiled("subleq", 8, 32)
    x = embed([9, 10, 6, 0, 0, 0, 9, 10, 0, 5, 3], small.plan)[None]
    engine, dense = array(small), DenseEngine(small)
    value, position = (np.array(small.plan.words[name]) for name in ("value", "position"))
    for each in (engine, dense):
        each.load(x)
        each.step(3)
        each.write(0, 9, value, np.ones(8))
        each.step(3)
        each.write(0, 20, position[:1], [1])
        each.step(3)
    assert np.array_equal(engine.state(), dense.state())
    written = {n: np.flatnonzero(mask).tolist() for n, mask in engine.host_lanes(0).masks.items()}
    assert written == {9: sorted(value), 20: [position[0]]}
    for each in (engine, dense):
        each.write(0, 11, value[:1], [0.5])
        each.step(2)
    assert np.array_equal(engine.state(), dense.state()) and engine.fallbacks >= 1


def test_changes_contain_all_that_a_pass_changes() -> None:
    small = compiled("subleq", 8, 32)
    engine = array(small)
    engine.load(embed(random_program(5, 8, 32, 0.0).words, small.plan)[None])
    assert len(engine.changes()) == small.plan.columns
    engine.step(4)
    engine.changes()
    for _ in range(20):
        before = engine.state()[0]
        engine.step()
        changed = (before != engine.state()[0]).any(axis=1).nonzero()[0].tolist()
        found = engine.changes().tolist()
        assert set(changed) <= set(found) and len(found) <= len(changed) + 5


@pytest.mark.parametrize("workers", [2, 4])
def test_several_workers_with_equal_keys(workers: int) -> None:
    machine = compile_circuit(adders(2), None, workers)
    words = seeds.rng(f"array {workers}").choices(range(256), k=32)
    engine, dense = array(machine), DenseEngine(machine)
    for each in (engine, dense):
        each.load(embed(words, machine.plan)[None])
    for _ in range(20):
        engine.step()
        dense.step()
        assert np.array_equal(engine.state(), dense.state())
    assert engine.fallbacks == 0


@pytest.mark.parametrize("memory", [64, 1 << 15])
@pytest.mark.parametrize("name,width", [("subleq", 16), ("rv32i", 32)])
def test_only_the_devices_are_evaluated_in_every_pass(name: str, width: int, memory: int) -> None:
    """Whatever the memory holds; registers are idle as well."""
    machine = compiled(name, width, memory)
    x = embed_compact(seeds.rng(f"idle {name}").choices(range(1 << width), k=60), machine.plan)
    tables = tabulate(model_of(machine), x)
    columns = Columns(tables, x)
    assert columns.active.tolist() == list(range(columns.active[0], machine.plan.columns))
    assert len(columns.active) <= 2


def test_a_stream_as_a_matrix_and_in_fewer_bits_are_one() -> None:
    """Codes that are positions and codes that are sorted lead to the same columns."""
    machine = compiled("rv32i", 32, 128)
    words = seeds.rng("one stream").choices(range(1 << 32), k=90)
    x = embed_compact(words, machine.plan)
    engines = array(machine), array(machine)
    engines[0].load(Residuals([x]))
    engines[1].load(np.asarray(x)[None])
    for engine in engines:
        engine.write(0, 7, np.array(machine.plan.words["value"]), np.ones(32))
        engine.step(25)
    states = [engine.residual(0) for engine in engines]
    assert states[0] is not None and states[1] is not None
    assert np.array_equal(np.asarray(states[0]), np.asarray(states[1]))
    assert np.array_equal(np.asarray(states[0]), engines[0].state()[0])
    assert states[0].alike == states[1].alike == 128


@pytest.mark.parametrize("lane", ["cpu", "one", "device"])
def test_columns_that_a_host_makes_different_are_evaluated(lane: str) -> None:
    """A static lane of a word of memory, and a lane that a pass clears."""
    small = compiled("subleq", 8, 32)
    engine, dense = array(small), DenseEngine(small)
    static = np.array(small.plan.words[lane])
    written = np.setdiff1d(np.flatnonzero(model_of(small).written), small.plan.words["value"])[:1]
    for each in (engine, dense):
        each.load(embed(random_program(7, 8, 32, 0.0).words, small.plan)[None])
        each.step(2)
        each.write(0, 11, written, [1])
        each.step(2)
        each.write(0, 12, static, [-1 if lane == "one" else 1])
        each.step(2)
    assert np.array_equal(engine.state(), dense.state())
