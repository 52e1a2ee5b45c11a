"""The event engine equals the dense one, knows nothing but tensors, and never guesses."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import looped
import looped.api
from looped.artefact.embedding import embed
from looped.artefact.plan import CompiledMachine
from looped.engines.dense import DenseEngine
from looped.engines.engine import Watch
from looped.engines.event import EventEngine
from looped.errors import CompileError
from looped.verify.lockstep import lockstep
from tests import seeds
from tests.conftest import compiled, examples
from tests.engines.shuffled import shuffled
from tests.programs.headers import Program, programs
from tests.verify.random_programs import programs as random_programs
from tests.verify.random_programs import random_program

ALL = programs()


@pytest.mark.parametrize("program", ALL, ids=[p.path.stem for p in ALL])
def test_every_program_runs_like_the_reference_without_a_fallback(program: Program) -> None:
    image = looped.assemble(program.path)
    machine = compiled(image.machine, image.width, looped.api.smallest_memory(image))
    engine = EventEngine(machine)
    verdict = lockstep(machine, engine, [image], [program.input])
    assert (verdict.steps, verdict.outputs) == (program.steps, (program.output,))
    assert engine.fallbacks == 0


@pytest.mark.parametrize(("width", "memory"), [(8, 256), (16, 512), (32, 512)])
@examples(0.1, shrink=False)
@given(data=st.data())
def test_random_programs_run_like_the_reference(
    width: int, memory: int, data: st.DataObject
) -> None:
    machine = compiled("subleq", width, memory)
    images = data.draw(st.lists(random_programs(width, memory), min_size=5, max_size=5))
    inputs = data.draw(st.lists(st.binary(max_size=8), min_size=5, max_size=5))
    engine = EventEngine(machine)
    lockstep(machine, engine, images, inputs, steps=100)
    assert engine.fallbacks == 0


BAKED = [p for p in ALL if p.baked]


@pytest.mark.parametrize("program", BAKED, ids=[p.path.stem for p in BAKED])
def test_baked_programs_run_like_the_reference_without_a_fallback(program: Program) -> None:
    image = looped.assemble(program.path)
    machine = looped.compile(image, bake=True)
    engine = EventEngine(machine)
    verdict = lockstep(machine, engine, [image], [program.input])
    assert (verdict.steps, verdict.outputs) == (program.steps, (program.output,))
    assert engine.fallbacks == 0


@pytest.mark.parametrize("width", [8, 16, 32])
@pytest.mark.parametrize("seed", range(4))
def test_where_lanes_heads_and_units_lie_is_all_the_same(width: int, seed: int) -> None:
    machine = compiled("subleq", width, 64)
    moved, lanes = shuffled(machine, seed)
    x = np.stack([embed(random_program(s, width, 64, 0.1).words, machine.plan) for s in range(4)])
    event, dense = EventEngine(moved), DenseEngine(moved)
    for engine in (event, dense):
        engine.load(x[:, :, lanes])
    for _ in range(40):
        event.step()
        dense.step()
        assert np.array_equal(event.state(), dense.state())
    assert event.fallbacks == 0


def test_many_loops_at_once_are_the_same_as_one_by_one(machine) -> None:
    small = machine("subleq", 16, 64)
    x = np.stack([embed(random_program(s, 16, 64, 0.0).words, small.plan) for s in range(3)])
    first, second = EventEngine(small), EventEngine(small)
    for engine in (first, second):
        engine.load(x)
    first.step(50)
    for _ in range(50):
        second.step()
    assert np.array_equal(first.state(), second.state())


def test_what_a_host_writes_is_seen(machine) -> None:
    small = machine("subleq", 8, 32)
    x = embed([9, 10, 6, 0, 0, 0, 9, 10, 0, 5, 3], small.plan)[None]
    event, dense = EventEngine(small), DenseEngine(small)
    value = np.array(small.plan.words["value"])
    for engine in (event, dense):
        engine.load(x)
        engine.step(3)
        engine.write(0, 9, value, np.ones(8))
        engine.step(3)
    assert np.array_equal(event.state(), dense.state())


def both(machine: CompiledMachine, x: np.ndarray) -> tuple[EventEngine, DenseEngine]:
    """Both engines at the beginning of the same streams."""
    engines = EventEngine(machine), DenseEngine(machine)
    for engine in engines:
        engine.load(x)
    return engines


def test_an_address_that_two_columns_have_is_left_to_the_dense_engine(machine) -> None:
    small = machine("subleq", 8, 32)
    x = embed([9, 10, 6, 0, 0, 0, 11, 11, 3, 5, 3, 1], small.plan)[None]
    position = list(small.plan.words["position"])
    x[0, 9, position] = x[0, 11, position]  # nobody answers for 9, two columns for 11
    event, dense = both(small, x)
    for _ in range(4):
        event.step()
        dense.step()
        assert np.array_equal(event.state(), dense.state())
    assert event.fallbacks > 0


def test_lanes_that_no_weight_writes_may_be_written_by_a_host(machine) -> None:
    small = machine("subleq", 8, 32)
    event, dense = both(small, embed([9, 10, 6, 0, 0, 0, 9, 10, 0, 5, 3], small.plan)[None])
    lanes = np.array(small.plan.words["position"])
    for engine in (event, dense):
        engine.step(2)
        there, here = engine.read(20, lanes)[0], engine.read(10, lanes)[0]
        engine.write(0, 10, lanes, there)  # the columns 10 and 20 change places
        engine.write(0, 20, lanes, here)
        engine.step(5)
    assert np.array_equal(event.state(), dense.state())


@pytest.mark.parametrize("value", [0.0, 3.0])
def test_a_state_that_is_not_signs_is_left_to_the_dense_engine(machine, value: float) -> None:
    small = machine("subleq", 8, 32)
    event, dense = both(small, embed([9, 10, 6, 0, 0, 0, 9, 10, 0, 5, 3], small.plan)[None])
    for engine in (event, dense):
        engine.step(2)
        engine.write(0, 9, np.array(small.plan.words["value"])[:1], [value])
        engine.step(2)
    assert np.array_equal(event.state(), dense.state())
    assert event.fallbacks > 0


def test_after_a_fallback_it_goes_on_by_itself(machine) -> None:
    small = machine("subleq", 8, 32)
    x = embed([9, 10, 6, 0, 0, 0, 9, 10, 0, 5, 3], small.plan)[None]
    event, dense = both(small, x)
    lanes = np.arange(small.plan.d_model)
    for engine in (event, dense):
        engine.write(0, 20, lanes[:1], [0.5])
        engine.step()
        engine.write(0, 20, lanes, x[0, 20])
        engine.step(9)
    assert np.array_equal(event.state(), dense.state())
    assert event.fallbacks == 1


@pytest.mark.parametrize("kind", [EventEngine, DenseEngine])
def test_it_stops_after_the_first_pass_that_raises_a_lane(machine, kind) -> None:
    small = machine("subleq", 16, 64)
    plan = small.plan
    x = embed([2**16 - 1, 15, 0, 15, 2**16 - 1, 0, 16, 16, 0], plan)[None]  # cat, without end
    stops = np.array([plan.words[flag][0] for flag in ("reading", "waiting", "writing")])
    ready, first, second = np.array(plan.words["ready"]), kind(small), kind(small)
    for engine in (first, second):
        engine.load(x)
        engine.write(0, plan.cpu, ready, [1])
    passes = []
    for limit in (50, 50, 50, 1, 50):
        passes.append(first.advance(limit, Watch(plan.cpu, stops)))
        stopped, done = False, 0
        while not stopped and done < limit:
            second.step()
            done += 1
            stopped = bool((second.read(plan.cpu, stops) == 1).any())
        assert passes[-1] == done
        assert np.array_equal(first.state(), second.state())
    assert passes == [1, 1, 2, 1, 2]
    assert first.advance(7) == 7
    first.load(np.concatenate([x, x]))
    with pytest.raises(ValueError, match="advance is for one stream, and there are 2"):
        first.advance(1)


def test_advance_counts_passes_given_up_too(machine) -> None:
    small = machine("subleq", 8, 32)
    x = embed([2**8 - 1, 9, 0], small.plan)[None].astype(np.float64)
    x[0, 20, small.plan.words["value"][0]] = 0.5
    waiting = Watch(small.plan.cpu, np.array(small.plan.words["waiting"]))
    event, dense = both(small, x)
    assert event.advance(5, waiting) == dense.advance(5, waiting) == 1
    assert event.fallbacks == 1


def test_whatever_a_wrong_weight_changes_is_the_same_in_both(machine) -> None:
    """100 single faults; the engine follows the dense trace or refuses the model."""
    small = machine("subleq", 8, 32)
    rng = seeds.generator(0)
    x = embed(random_program(3, 8, 32, 0.0).words, small.plan)[None]
    names = [n for n, w in small.weights.items() if w.dim() == 2]
    refused = changed = 0
    sound = DenseEngine(small)
    sound.load(x)
    sound.step(6)
    for _ in range(100):
        name = names[rng.integers(len(names))]
        weight = small.weights[name].clone()
        places = weight.nonzero() if rng.random() < 0.7 else (weight == 0).nonzero()
        if len(places) == 0:
            continue
        row, column = places[rng.integers(len(places))].tolist()
        weight[row, column] += float(rng.choice([-2.0, -1.0, 1.0, 0.5, 2.0]))
        faulty = CompiledMachine(small.plan, {**small.weights, name: weight})
        dense = DenseEngine(faulty)
        dense.load(x)
        try:
            event = EventEngine(faulty)
            event.load(x)
        except CompileError:
            refused += 1
            continue
        for _ in range(6):
            event.step()
            dense.step()
            np.testing.assert_array_equal(event.state(), dense.state(), err_msg=name)
        changed += not np.array_equal(dense.state(), sound.state())
    assert changed >= 10 and refused < 90


def test_inexact_weights_are_refused(machine) -> None:
    small = machine("subleq", 8, 32)
    name = "layers.1.mlp.gate_proj.weight"
    weight = small.weights[name] * (1 + 2**-20)
    with pytest.raises(CompileError, match="not exact in float32: the gates of block 1 reach"):
        EventEngine(CompiledMachine(small.plan, {**small.weights, name: weight}))
    norm = {**small.weights, "norm.weight": small.weights["norm.weight"] * 2}
    with pytest.raises(CompileError, match=r"`norm\.weight` is not a gain of 1"):
        EventEngine(CompiledMachine(small.plan, norm))
