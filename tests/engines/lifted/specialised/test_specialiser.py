"""Specialised passes leave what plain ones leave, however a program behaves."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from looped.engines.lifted import LiftedEngine
from tests.conftest import compiled, examples
from tests.engines.lifted.specialised.lockstep import EAGER, Pair


@pytest.fixture(scope="module")
def subleq() -> LiftedEngine:
    return LiftedEngine(compiled("subleq", 8, 32))


@examples(0.2)
@given(words=st.lists(st.integers(0, 255), min_size=12, max_size=32), data=st.data())
def test_random_programs(subleq: LiftedEngine, words: list[int], data: st.DataObject) -> None:
    pair = Pair(subleq, compiled("subleq", 8, 32), words, EAGER)
    for loops in data.draw(st.lists(st.integers(1, 3000), min_size=3, max_size=6)):
        pair.advance(loops)
