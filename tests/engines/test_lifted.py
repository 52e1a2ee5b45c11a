"""The lifted engine equals the dense one, finds the fields wherever they lie, and never guesses."""

from __future__ import annotations

import functools

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
from looped.engines.lifted import LiftedEngine
from looped.errors import CompileError
from looped.image import Image
from looped.verify.lockstep import lockstep
from tests.conftest import compiled, examples
from tests.engines.faults import faults
from tests.engines.shuffled import shuffled
from tests.programs.headers import Program, programs, riscv_programs
from tests.verify.random_programs import programs as random_programs
from tests.verify.random_programs import random_program

ALL = programs()


@functools.cache
def lifted(width: int, memory: int, machine: str = "subleq") -> LiftedEngine:
    """An engine that keeps what it has compiled."""
    return LiftedEngine(compiled(machine, width, memory))


@pytest.mark.parametrize("program", ALL, ids=[p.path.stem for p in ALL])
def test_every_program_runs_like_the_reference_without_a_fallback(program: Program) -> None:
    image = looped.assemble(program.path)
    memory = looped.api.smallest_memory(image)
    engine = lifted(image.width, memory)
    machine = compiled(image.machine, image.width, memory)
    verdict = lockstep(machine, engine, [image], [program.input])
    assert (verdict.steps, verdict.outputs) == (program.steps, (program.output,))
    assert engine.fallbacks == 0


@pytest.mark.parametrize("name", ["bytes", "crc32", "gcd", "selfmodify"])
def test_rv32i_runs_like_the_reference_without_a_fallback(name: str) -> None:
    program = next(p for p in riscv_programs() if p.path.stem == name)
    engine = lifted(32, 256, "rv32i")
    image = looped.assemble(program.path)
    verdict = lockstep(compiled("rv32i", 32, 256), engine, [image], [program.input], steps=600)
    assert verdict.steps == min(program.steps, 600)
    assert engine.fallbacks == 0
    assert len(engine.programs.made) == 1


@pytest.mark.parametrize(("width", "memory"), [(8, 256), (16, 512), (32, 512)])
@examples(0.2, shrink=False)
@given(data=st.data())
def test_random_programs_run_like_the_reference(
    width: int, memory: int, data: st.DataObject
) -> None:
    images = data.draw(st.lists(random_programs(width, memory), min_size=5, max_size=5))
    inputs = data.draw(st.lists(st.binary(max_size=8), min_size=5, max_size=5))
    engine = lifted(width, memory)
    lockstep(compiled("subleq", width, memory), engine, images, inputs, steps=100)
    assert engine.fallbacks == 0
    assert len(engine.programs.made) == 1


@pytest.mark.parametrize("width", [8, 16, 32])
@pytest.mark.parametrize("seed", range(3))
def test_where_lanes_heads_and_units_lie_is_all_the_same(width: int, seed: int) -> None:
    """The same states as the dense engine, and code of the same size as for the lanes in order."""
    machine = compiled("subleq", width, 64)
    moved, lanes = shuffled(machine, seed)
    x = np.stack([embed(random_program(s, width, 64, 0.1).words, machine.plan) for s in range(2)])
    engine, dense, ordered = LiftedEngine(moved), DenseEngine(moved), LiftedEngine(machine)
    for each in (engine, dense):
        each.load(x[:, :, lanes])
    for _ in range(25):
        engine.step()
        dense.step()
        assert np.array_equal(engine.state(), dense.state())
    assert engine.fallbacks == 0
    ordered.load(x)
    ordered.prepare()
    sizes = [len(e.programs.made[0].lifted.code.instructions) for e in (engine, ordered)]
    assert max(sizes) < 1.5 * min(sizes)


@pytest.mark.parametrize("count", [50, pytest.param(200, marks=pytest.mark.slow)])
def test_whatever_a_wrong_weight_changes_is_the_same_in_both(count: int) -> None:
    """Single faults: the engine follows the dense states or refuses the model."""
    small = compiled("subleq", 8, 32)
    x = embed(random_program(3, 8, 32, 0.0).words, small.plan)[None]
    sound = DenseEngine(small)
    sound.load(x)
    sound.step(6)
    refused = changed = fallbacks = 0
    for faulty in faults(small, count):
        dense = DenseEngine(faulty)
        dense.load(x)
        try:
            engine = LiftedEngine(faulty)
            engine.load(x)
            engine.prepare()
        except CompileError:
            refused += 1
            continue
        for _ in range(6):
            engine.step()
            dense.step()
            np.testing.assert_array_equal(engine.state(), dense.state())
        changed += not np.array_equal(dense.state(), sound.state())
        fallbacks += engine.fallbacks
    assert changed >= count // 20 and refused < count * 0.95, (changed, refused)
    assert fallbacks > 0


def both(machine: CompiledMachine, x: np.ndarray) -> tuple[LiftedEngine, DenseEngine]:
    """The two engines, side by side on the same streams."""
    engines = LiftedEngine(machine), DenseEngine(machine)
    for engine in engines:
        engine.load(x)
    return engines


def test_many_loops_at_once_are_the_same_as_one_by_one() -> None:
    small = compiled("subleq", 16, 64)
    x = np.stack([embed(random_program(s, 16, 64, 0.0).words, small.plan) for s in range(3)])
    first, second = LiftedEngine(small), LiftedEngine(small)
    for engine in (first, second):
        engine.load(x)
    first.step(50)
    for _ in range(50):
        second.step()
    assert np.array_equal(first.state(), second.state())


def test_constants_that_the_host_changes_are_constants_no_more() -> None:
    small = compiled("subleq", 8, 32)
    x = embed([9, 10, 6, 0, 0, 0, 9, 10, 0, 5, 3], small.plan)[None]
    engine, dense = both(small, x)
    value, ready = (np.array(small.plan.words[name]) for name in ("value", "ready"))
    for column, lanes in ((9, value), (small.plan.cpu, ready), (small.plan.input, value)):
        for each in (engine, dense):
            each.step(3)
            each.write(0, column, lanes, np.ones(len(lanes)))
            each.step(3)
        assert np.array_equal(engine.state(), dense.state())
    assert engine.fallbacks == 0


def test_a_state_that_is_not_plus_or_minus_one_goes_to_the_dense_engine() -> None:
    small = compiled("subleq", 8, 32)
    x = embed([9, 10, 6, 0, 0, 0, 9, 10, 0, 5, 3], small.plan)[None].astype(float)
    x[0, 3, small.plan.words["value"][0]] = 0.5
    engine, dense = both(small, x)
    for each in (engine, dense):
        each.step(2)
    assert np.array_equal(engine.state(), dense.state())
    assert engine.fallbacks == 2


def test_it_stops_after_the_loop_that_raises_a_lane() -> None:
    """A jump to -1 raises the sign of the program counter; one more loop changes nothing."""
    small = compiled("subleq", 8, 32)
    x = embed([9, 10, 3, 9, 9, 255, 0, 0, 0, 5, 3], small.plan)[None]
    sign = np.array(small.plan.words["pc"][-1:])
    engine, dense = both(small, x)
    for each in (engine, dense):
        assert each.advance(100, Watch(small.plan.cpu, sign)) == 2
        assert each.advance(100, Watch(small.plan.cpu, sign)) == 1
        assert each.advance(7) == 7
        assert each.advance(7, Watch(0, np.array(small.plan.words["one"]))) == 1
    assert np.array_equal(engine.state(), dense.state())


def test_advance_is_for_one_stream() -> None:
    small = compiled("subleq", 8, 32)
    engine, dense = both(small, embed([0], small.plan)[None].repeat(2, axis=0))
    for each in (engine, dense):
        with pytest.raises(ValueError, match="advance is for one stream, and there are 2"):
            each.advance(1)


def test_streams_with_other_constants_have_code_of_their_own() -> None:
    """A stream whose positions are numbered backwards is another machine."""
    small = compiled("subleq", 8, 32)
    x = embed([9, 10, 3, 0, 0, 0, 0, 0, 0, 5, 3], small.plan)
    other = x.copy()
    for name, lanes in small.plan.words.items():
        if name.startswith("position"):
            other[:32, lanes] *= -1
    engine, dense = both(small, np.stack([x, other]))
    for each in (engine, dense):
        each.step(20)
    assert np.array_equal(engine.state(), dense.state())
    assert len(engine.programs.made) == 2 and engine.fallbacks == 0


def test_baked_programs_run_or_are_refused() -> None:
    image = Image("subleq", 8, (9, 10, 3, 11, 10, 6, 12, 12, 255, 5, 3, 7, 0))
    machine = looped.compile(image, 32, bake=True)
    engine = LiftedEngine(machine)
    verdict = lockstep(machine, engine, [image], [b""], steps=20)
    assert verdict.halted and engine.fallbacks == 0
