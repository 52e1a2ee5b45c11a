"""Passes in NumPy equal those of the dense engine, and never guess."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import looped
import looped.api
from looped.analysis import analyse
from looped.artefact.embedding import embed
from looped.artefact.plan import CompiledMachine
from looped.engines.array import ArrayEngine, passes
from looped.engines.dense import DenseEngine
from looped.errors import CompileError
from looped.passes.emit import compile_circuit
from looped.precision import precision
from looped.verify.lockstep import lockstep
from tests import seeds
from tests.circuit.workers import adders
from tests.conftest import compiled, examples
from tests.engines.faults import faults
from tests.engines.shuffled import shuffled
from tests.programs.headers import Program, programs
from tests.verify.random_programs import programs as random_programs
from tests.verify.random_programs import random_program

NAMES = ("hello", "echo", "fibonacci")
SOME = [p for p in programs() if p.path.stem in NAMES]


def array(machine: CompiledMachine, dtype: str = "float32") -> ArrayEngine:
    plan = machine.plan
    model = analyse(machine.arrays, len(plan.blocks), plan.d_head, precision(dtype))
    return ArrayEngine(lambda: model, DenseEngine(machine, dtype, uncertified=True))


@pytest.mark.parametrize("program", SOME, ids=[f"{p.path.parent.name}-{p.path.stem}" for p in SOME])
def test_programs_run_like_the_reference_without_a_fallback(program: Program) -> None:
    image = looped.assemble(program.path)
    machine = compiled(image.machine, image.width, looped.api.smallest_memory(image))
    engine = array(machine)
    lockstep(machine, engine, [image], [program.input], steps=60)
    assert engine.fallbacks == 0


@pytest.mark.parametrize("indexed", [False, True])
@examples(0.05, shrink=False)
@given(data=st.data())
def test_random_programs_run_like_the_reference(indexed: bool, data: st.DataObject) -> None:
    """Also where winners come from an index of the keys, as in a large memory."""
    machine = compiled("subleq", 16, 64)
    images = data.draw(st.lists(random_programs(16, 64), min_size=2, max_size=2))
    inputs = data.draw(st.lists(st.binary(max_size=8), min_size=2, max_size=2))
    engine = array(machine)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passes, "_MOST_SCORES", 0 if indexed else passes._MOST_SCORES)
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
