"""Machine code does what the instructions say, and gives a pass up without a trace."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from looped.engines.lifted.code import MASK, Code
from looped.engines.lifted.native import compile_code
from tests.conftest import examples
from tests.engines.lifted.evaluate import evaluate
from tests.engines.lifted.random_code import random_code

words = st.integers(0, MASK) | st.integers(0, 40)


@examples(0.25)
@given(st.data())
def test_any_code_is_what_it_says(data: st.DataObject) -> None:
    code = random_code(data, guards=False)
    state = np.array([data.draw(words), data.draw(words)], np.uint64)
    cells = np.array([data.draw(st.integers(0, 0xFFFF)) for _ in range(4)], np.uint16)
    plain_state, plain_cells = [int(x) for x in state], [int(x) for x in cells]
    native = compile_code(code, 16, 2)
    assert native.run(state, cells, np.zeros(2, np.uint64), 3) == (3, False)
    for _ in range(3):
        result = evaluate(code, plain_state, plain_cells)
        assert result is not None
        plain_state = [result[value] for value in code.following]
    assert (plain_state, plain_cells) == ([int(x) for x in state], [int(x) for x in cells])


def counter(guard_at: int, store: bool) -> Code:
    """Counts its word up, notes it in cell 0 if asked to, and fails at a number."""
    code = Code()
    now = code.emit("state")
    if store:
        code.emit("store", code.const(0), now)
    code.emit("guard", code.emit("equal", now, code.const(guard_at)))
    code.following = [code.plus(now, code.const(1))]
    return code


def test_a_failed_guard_leaves_everything_as_it_was_before_the_pass() -> None:
    native = compile_code(counter(5, store=True), 8, 1)
    state, cells = np.array([2], np.uint64), np.array([77], np.uint8)
    assert native.run(state, cells, np.zeros(1, np.uint64), 100) == (3, True)
    assert (int(state[0]), int(cells[0])) == (5, 4)
    assert native.run(state, cells, np.zeros(1, np.uint64), 100) == (0, True)
    assert (int(state[0]), int(cells[0])) == (5, 4)


def test_it_stops_after_the_pass_that_raises_a_watched_bit() -> None:
    native = compile_code(counter(1 << 40, store=False), 8, 1)
    state, cells = np.zeros(1, np.uint64), np.zeros(1, np.uint8)
    masks = np.array([1 << 6], np.uint64)
    assert native.run(state, cells, masks, 1000) == (64, False)
    assert native.run(state, cells, masks, 1000) == (1, False)
    assert native.run(state, cells, np.zeros(1, np.uint64), 10) == (10, False)
    assert native.run(state, cells, masks, 0) == (0, False)


def test_passes_that_do_not_count_come_to_an_end_too() -> None:
    native = compile_code(counter(1 << 40, store=False), 8, 1)
    state, cells, none = np.zeros(1, np.uint64), np.zeros(1, np.uint8), np.zeros(1, np.uint64)
    odd = np.ones(1, np.uint64)
    assert native.run(state, cells, none, 5, odd) == (5, False)
    assert int(state[0]) == 10
    state[0] = 1 << 20
    assert native.run(state, cells, none, 2, state.copy()) == (0, False)
    assert int(state[0]) == (1 << 20) + 4608
