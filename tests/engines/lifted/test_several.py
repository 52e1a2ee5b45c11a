"""Several drivers: the same code for each, and no driver sees what another one stores."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from looped.engines.dense import DenseEngine
from looped.engines.engine import Watch
from looped.engines.event import EventEngine
from looped.engines.lifted import LiftedEngine
from looped.engines.lifted.code import MASK, Code
from looped.engines.lifted.native import compile_code
from looped.errors import CompileError
from tests.conftest import examples
from tests.engines.lifted.crew import begin, crew
from tests.engines.lifted.evaluate import evaluate

COLUMNS = 6


@st.composite
def passes(draw: st.DrawFn) -> Code:
    """Code with a guard, a table and a store to one of 8 columns, of which there are 7."""
    code = Code()
    values = [code.emit("state", number=0), code.emit("state", number=1), code.const(3)]
    code.tables.append(np.array([3, 1, -1, 2]))
    code.tables.append(np.array([5, 1 << 40, 7, -9]))
    for _ in range(draw(st.integers(1, 12))):
        a, b, c = (draw(st.sampled_from(values)) for _ in range(3))
        kind = draw(st.sampled_from(["add", "mul", "xor", "equal", "less", "negative", "ones",
                                     "select", "load", "table"]))  # fmt: skip
        low = code.mask(a, 3)
        operands = {"negative": (a,), "ones": (a,), "select": (a, b, c), "load": (low,)}
        number = draw(st.integers(0, 1)) if kind == "table" else 0
        own = (low,) if kind == "table" else operands.get(kind, (a, b))
        values.append(code.emit(kind, *own, number=number))
    column = code.mask(draw(st.sampled_from(values)), 7)
    code.emit("guard", code.emit("equal", column, code.const(7)))
    code.emit("store", column, code.mask(draw(st.sampled_from(values)), 0xFFFF))
    code.following = [draw(st.sampled_from(values)) for _ in range(2)]
    return code


@examples(0.25)
@given(passes(), st.sampled_from([2, 3, 4, 8]), st.data())
def test_any_code_is_what_it_says_for_every_driver(
    code: Code, drivers: int, data: st.DataObject
) -> None:
    words = st.integers(0, MASK) | st.integers(0, 9)
    state = np.array([[data.draw(words) for _ in range(drivers)] for _ in range(2)], np.uint64)
    cells = np.array([data.draw(st.integers(0, 0xFFFF)) for _ in range(COLUMNS + 1)], np.uint16)
    native = compile_code(code, 16, 2, drivers, COLUMNS)
    for _ in range(3):
        before = state.copy(), cells.copy()
        expected = _together(code, state, cells)
        found = native.run(state, cells, np.zeros(2, np.uint64), 1)
        assert found == ((0, True) if expected is None else (1, False))
        after, stored = before if expected is None else expected
        assert np.array_equal(state, after)
        assert np.array_equal(cells[:COLUMNS], stored[:COLUMNS])
        if expected is None:
            break
        cells[COLUMNS] = stored[COLUMNS]


def _together(code: Code, state: np.ndarray, cells: np.ndarray) -> tuple | None:
    """One pass of all drivers in plain Python; None if it is abandoned."""
    after, stored, captured = state.copy(), cells.copy(), set()
    (store,) = (i for i in code.instructions if i.operation == "store")
    for driver in range(state.shape[1]):
        values = evaluate(code, [int(word) for word in state[:, driver]], cells.tolist())
        if values is None:
            return None
        column, content = (values[operand] for operand in store.operands)
        if column in captured and column != COLUMNS:
            return None
        captured.add(column)
        stored[column] = content
        after[:, driver] = [values[value] for value in code.following]
    return after, stored


@examples(0.25)
@given(st.sampled_from([2, 4, 6, 16]), st.data())
def test_two_captures_of_one_column_are_always_seen_and_only_they(
    drivers: int, data: st.DataObject
) -> None:
    """Each driver stores its second word to the column that its first word names."""
    code = Code()
    column, content = code.emit("state", number=0), code.emit("state", number=1)
    code.emit("store", column, content)
    code.following = [column, content]
    native, columns = compile_code(code, 8, 2, drivers, 20), st.integers(0, 20)
    cells = np.arange(21, dtype=np.uint8)
    for number in range(12):
        apart = data.draw(st.permutations(range(21)))[:drivers]
        own = data.draw(st.just(apart) | st.lists(columns, min_size=drivers, max_size=drivers))
        state = np.array([own, [100 + number] * drivers], np.uint64)
        captured = [c for c in own if c != 20]
        twice = len(set(captured)) < len(captured)
        expected = cells.copy()
        expected[[] if twice else captured] = 100 + number
        assert native.run(state, cells, np.zeros(2, np.uint64), 1) == (1 - twice, twice)
        assert np.array_equal(cells[:20], expected[:20])


@pytest.mark.parametrize("kinds", [["store", "load"], ["store", "store"]])
def test_code_that_may_see_the_stores_of_other_drivers_is_refused(kinds: list[str]) -> None:
    code = Code()
    place = code.const(0)
    for kind in kinds:
        code.emit(kind, *((place, place) if kind == "store" else (place,)))
    with pytest.raises(CompileError, match="several columns compute and"):
        compile_code(code, 8, 0, 2, 1)
    assert compile_code(code, 8, 0, 1, 1).run is not None


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_every_worker_is_as_in_the_dense_engine(workers: int) -> None:
    machine = crew(workers)
    engines = LiftedEngine(machine), EventEngine(machine), DenseEngine(machine)
    for engine in engines:
        engine.load(begin(machine)[None])
        engine.changes()
    lifted, event, dense = engines
    driver = np.array(machine.plan.words["total"][:1])
    for _ in range(40):
        for engine in engines:
            engine.step()
        assert np.array_equal(lifted.state(), dense.state())
        assert np.array_equal(event.state(), dense.state())
        assert set(dense.changes().tolist()) <= set(lifted.changes().tolist())
    for engine in engines:
        engine.write(0, machine.plan.cpus[-1], driver, np.ones(1))
        engine.write(0, 5, np.array(machine.plan.words["value"]), np.ones(8))
    watch = Watch(machine.plan.cpu, np.zeros(0, np.intp), driver)
    assert len({engine.advance(30, watch) for engine in engines}) == 1
    assert np.array_equal(lifted.state(), dense.state())
    assert lifted.fallbacks == event.fallbacks == 0
    for column in (machine.plan.cpus[-1], 5, machine.plan.null):
        lanes = np.arange(machine.plan.d_model)
        assert np.array_equal(lifted.read(column, lanes), dense.read(column, lanes))


def test_a_pass_in_which_two_workers_write_to_one_column_is_abandoned() -> None:
    machine = crew(2, collides=True)
    lifted, dense = LiftedEngine(machine), DenseEngine(machine)
    for engine in (lifted, dense):
        engine.load(begin(machine)[None])
        assert engine.advance(11) == 11
    assert np.array_equal(lifted.state(), dense.state()) and lifted.fallbacks == 0
    for engine in (lifted, dense):
        engine.step()
    assert np.array_equal(lifted.state(), dense.state()) and lifted.fallbacks == 1
    assert not (np.abs(dense.state()) == 1).all()
