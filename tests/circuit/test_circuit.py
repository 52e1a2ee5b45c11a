"""What a circuit refuses, in whole messages that name both places."""

from __future__ import annotations

import re

import pytest

from looped.circuit.circuit import Circuit
from looped.circuit.words import Word
from looped.errors import CompileError

HERE = r"circuit/test_circuit\.py:\d+"


def test_a_word_made_twice_names_both_places() -> None:
    m = Circuit("test", 8, 5)
    pc = m.register("pc", 8)
    m.let("x", m.add(pc, 1))
    with pytest.raises(CompileError, match=rf"word `x` is made twice: at {HERE} and {HERE}$"):
        m.let("x", m.add(pc, 2))


def test_a_register_with_two_next_values_names_both_places() -> None:
    m = Circuit("test", 8, 5)
    pc = m.register("pc", 8)
    m.next(pc, m.add(pc, 1))
    message = rf"register `pc` gets its next value twice: at {HERE} and {HERE}$"
    with pytest.raises(CompileError, match=message):
        m.next(pc, m.add(pc, 2))


def test_a_word_that_is_never_used() -> None:
    m = Circuit("test", 8, 5)
    m.let("x", m.add(m.register("pc", 8), 1))
    with pytest.raises(CompileError, match=rf"^word `x` is made at {HERE} but never used$"):
        m.check()


def test_a_lane_that_is_made_nowhere() -> None:
    m = Circuit("test", 8, 5)
    pc = m.register("pc", 8)
    m.next(pc, m.add(pc, Word.of("ghost", 8)))
    with pytest.raises(CompileError) as caught:
        m.check()
    assert re.match(rf"lane `ghost\.\d` is used at {HERE} but never made$", str(caught.value))
