"""Residual streams in few bits: the same matrix, whatever is asked of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from looped.artefact.embedding import embed, embed_compact
from looped.artefact.residual import Positions, Residual, Residuals, compact
from tests import seeds
from tests.conftest import compiled

MACHINES = [("subleq", 8, 32), ("subleq", 32, 64), ("rv32i", 32, 64), ("fleq", 32, 64)]


@st.composite
def matrices(draw: st.DrawFn) -> np.ndarray:
    """Columns of -1, 0 and +1, of which the first 6 differ in some lanes."""
    rng = seeds.generator(draw(st.integers(0, 1 << 20)))
    x = np.tile(rng.integers(-1, 2, 90), (9, 1)).astype(np.int8)
    own = rng.random(90) < draw(st.sampled_from([0.1, 0.9]))
    signs = draw(st.booleans())
    x[:6, own] = rng.choice([-1, 1] if signs else [-1, 0, 1], (6, own.sum()))
    x[6:] = rng.integers(-1, 2, (3, 90))
    return x


@given(matrices(), st.sampled_from([0, 6]))
def test_it_stands_for_the_matrix(x: np.ndarray, alike: int) -> None:
    found = compact(x, alike)
    assert found.shape == x.shape
    assert (np.asarray(found) == x).all()
    assert all((found.column(column) == x[column]).all() for column in range(len(x)))
    assert all((found.lane(lane) == x[:, lane]).all() for lane in range(x.shape[1]))
    lanes = [3, 80, 5]
    bits = (x[:, lanes] > 0).astype(np.uint64) << np.arange(3, dtype=np.uint64)
    assert (found.words(lanes) == bits.sum(axis=1)).all()


@given(matrices(), st.integers(-7, 7), st.integers(0, 8), st.integers(0, 89))
def test_positions_are_lanes_that_count(x: np.ndarray, offset: int, column: int, lane: int) -> None:
    lanes = (40, 2, 77)
    for bit, own in enumerate(lanes):
        x[:6, own] = [2 * ((column + offset) % 6 >> bit & 1) - 1 for column in range(6)]
    plain = found = compact(x, 6)
    if len(plain.bits):
        others = compact(np.delete(x, lanes, axis=1), 6)
        places, row = np.delete(np.arange(90), lanes)[others.lanes], plain.row.copy()
        row[list(lanes)] = 0
        found = Residual(row, places, others.bits, plain.rest, (Positions(lanes, offset),))
    assert (np.asarray(found) == x).all() and (np.asarray(found.copy()) == x).all()
    assert (found.column(column) == x[column]).all()
    assert (found.lanes_of([lane, 2, 40]) == x[:, [lane, 2, 40]]).all()
    several = [40, 2, 77, lane, 2]
    bits = (x[:, several] > 0).astype(np.uint64) << np.arange(5, dtype=np.uint64)
    assert (found.words(several) == bits.sum(axis=1)).all()
    assert found.agrees(plain) and plain.agrees(found)
    wrong = x.copy()
    wrong[column, lane] = -1 if x[column, lane] > 0 else 1
    assert not compact(wrong, 6).agrees(found) or x[column, lane] == 0
    assert not found.agrees(compact(wrong, 6))


@given(matrices(), matrices(), st.integers(0, 8), st.integers(0, 89))
def test_it_agrees_where_the_other_is_known(
    x: np.ndarray, other: np.ndarray, column: int, lane: int
) -> None:
    known = x.copy()
    known[seeds.generator(lane).random(x.shape) < 0.3] = 0
    one = compact(x, 6)
    assert one.agrees(compact(known, 6)) and one.agrees(compact(known, 0))
    for alike in (0, 6):
        agrees = ((other == 0) | (other == x)).all()
        assert one.agrees(compact(other, alike)) == agrees
        wrong = x.copy()
        wrong[column, lane] = -1 if x[column, lane] > 0 else 1
        assert not one.agrees(compact(wrong, alike))


@given(matrices(), st.integers(0, 8), st.data())
def test_lanes_can_be_set(x: np.ndarray, column: int, data: st.DataObject) -> None:
    found = compact(x, 6)
    lanes = np.array(data.draw(st.lists(st.integers(0, 89), max_size=4, unique=True)), np.intp)
    values = np.array(data.draw(st.lists(st.sampled_from([-1, 1]), min_size=4)), np.int8)
    wanted = x.copy()
    if found.set(column, lanes, values[: len(lanes)]):
        wanted[column, lanes] = values[: len(lanes)]
    else:
        assert column < 6
    assert (np.asarray(found) == wanted).all()


@pytest.mark.parametrize(("name", "width", "memory"), MACHINES)
def test_what_is_embedded_differs_in_positions_and_values_only(
    name: str, width: int, memory: int
) -> None:
    plan = compiled(name, width, memory).plan
    words = [7, (1 << width) - 1, 1 << width - 1, 0, 5]
    found = embed_compact(words, plan)
    assert (np.asarray(Residuals([found]))[0] == embed(words, plan)).all()
    own = {n for n in plan.words if n == "value" or n.startswith("position")}
    counted = [lane for lanes, _ in found.positions for lane in lanes]
    assert {*found.lanes.tolist(), *counted} == {lane for n in own for lane in plan.words[n]}
