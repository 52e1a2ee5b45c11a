"""FLEQ's instruction format: op words there and back, and what no op word or word format can be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from looped.errors import CompileError
from looped.isa.fleq import FIELDS, FUNCTIONS, Format, Operation, Selector, decode, encode

selectors = st.tuples(st.sampled_from(Selector), st.sampled_from(Selector))
sizes = st.integers(1, 16)
operations = st.builds(
    Operation,
    st.sampled_from(sorted(FUNCTIONS)),
    selectors,
    selectors,
    sizes,
    sizes,
    sizes,
    st.booleans(),
)


@given(operations, st.integers(0, 63))
def test_an_operation_is_its_word(operation: Operation, above: int) -> None:
    word = encode(operation)
    assert word < 1 << 26
    assert decode(word) == operation == decode(word | above << 26)


def test_fields_lie_side_by_side() -> None:
    at = 0
    for field in FIELDS.values():
        assert field.at == at
        at += field.width
    assert at == 26


def test_numbers_of_functions_differ_and_none_is_zero() -> None:
    numbers = [function.number for function in FUNCTIONS.values()]
    assert len(set(numbers)) == len(numbers) and 0 not in numbers and max(numbers) < 32


def test_zero_and_other_numbers_are_no_operation() -> None:
    known = {function.number for function in FUNCTIONS.values()}
    assert [n for n in range(32) if decode(n) is None] == [n for n in range(32) if n not in known]


@pytest.mark.parametrize(
    ("operation", "message"),
    [
        (Operation("frob"), "fleq has no function `frob`"),
        (Operation("add", rows=0), "rows cannot be 0"),
        (Operation("add", cols=17), "cols cannot be 17"),
        (Operation("mul", inner=99), "inner cannot be 99"),
    ],
)
def test_what_no_op_word_can_say(operation: Operation, message: str) -> None:
    with pytest.raises(CompileError, match=message):
        encode(operation)


@pytest.mark.parametrize(
    ("width", "fraction", "message"),
    [
        (16, 8, "fleq has no 16-bit words"),
        (65, 32, "fleq has no 65-bit words"),
        (32, 28, "a 32-bit word cannot have 28 fraction bits"),
        (32, 7, "a 32-bit word cannot have 7 fraction bits"),
        (26, 3, "a 26-bit word cannot have 3 fraction bits"),
    ],
)
def test_what_no_word_format_is(width: int, fraction: int, message: str) -> None:
    with pytest.raises(CompileError, match=message):
        Format(width, fraction)


def test_a_word_format_has_bounds_and_a_name() -> None:
    q = Format()
    assert (q.lowest, q.highest, str(q)) == (-(1 << 31), (1 << 31) - 1, "Q16.16")
    assert str(Format(32, 20)) == "Q12.20"
