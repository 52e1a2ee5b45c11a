"""One threshold for a conjunction: the identity in looped/circuit/signals.py."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from looped.circuit.arithmetic import all_ones, equal
from looped.circuit.signals import Condition, literal, value
from looped.circuit.words import Word, bit, constant
from looped.errors import CompileError
from tests.circuit.evaluate import holds, lanes_of

A = Word.of("a", 3)
B = Word.of("b", 4)
STATES = [{**lanes_of(A, a), **lanes_of(B, b)} for a in range(8) for b in range(16)]

coefficients = st.integers(-5, 5)
conditions = st.builds(
    lambda cs, t: Condition(
        sum((bit(lane) * c for lane, c in zip(B, cs, strict=True)), constant(0)), t
    ),
    st.lists(coefficients, min_size=4, max_size=4),
    st.integers(-12, 12),
)


@given(conditions)
def test_not_is_the_complement(condition: Condition) -> None:
    assert all(holds(~condition, s) is not holds(condition, s) for s in STATES)


@given(conditions, st.integers(0, 7))
def test_and_of_a_tight_condition_and_any_other(condition: Condition, number: int) -> None:
    same = equal(A, number)
    assert same.is_conjunction
    for both in (same & condition, condition & same):
        assert all(holds(both, s) == (holds(same, s) and holds(condition, s)) for s in STATES)


@given(conditions, st.integers(0, 7))
def test_or_of_a_loose_condition_and_any_other(condition: Condition, number: int) -> None:
    loose = ~equal(A, number)
    either = loose | condition
    assert all(holds(either, s) == (holds(loose, s) or holds(condition, s)) for s in STATES)


def test_and_of_literals_stays_tight() -> None:
    together = literal(A[:1]) & ~literal(A[1:2]) & all_ones(B)
    assert together.is_conjunction
    for s, pair in itertools.product(STATES, [(A[0], A[1])]):
        ones = all(s[lane] == 1 for lane in B)
        assert holds(together, s) == (s[pair[0]] == 1 and s[pair[1]] == -1 and ones)


def test_and_of_literals_that_contradict_never_holds_and_may_be_joined() -> None:
    never = equal(A, 0) & literal(A[:1])
    assert never.is_conjunction
    for other in (literal(B[:1]), ~all_ones(B), Condition(bit(B[0]) + bit(B[1]), 1)):
        assert not any(holds(never & other, s) for s in STATES)
        assert all(holds(~never | other, s) for s in STATES)


def test_what_is_no_single_threshold_is_refused() -> None:
    with pytest.raises(CompileError, match="not a single threshold"):
        ~all_ones(A) & ~all_ones(B)


def test_a_value_of_the_wrong_width_is_refused() -> None:
    with pytest.raises(CompileError, match="a value of 3 bits stands where 4 are needed"):
        value(A, 4)
