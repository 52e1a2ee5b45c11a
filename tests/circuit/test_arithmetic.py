"""Arithmetic as thresholds equals arithmetic on integers."""

from __future__ import annotations

import functools
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from looped.circuit import arithmetic
from looped.circuit.arithmetic import (
    all_ones,
    but_not,
    equal,
    neither,
    nonpositive,
    select,
    table,
)
from looped.circuit.circuit import Circuit
from looped.circuit.signals import Value, literal
from looped.circuit.words import Word
from looped.precision import FLOAT32, PRECISIONS
from tests.circuit.evaluate import Lanes, holds, lanes_of, number
from tests.conftest import examples

FLAG = Word.of("flag", 1)
LANES = [lanes_of(Word.of("x", 8), number) for number in range(256)]


def evaluate(circuit: Circuit, value: Value, lanes: Lanes) -> int:
    """The number in a value, after the words that the circuit kept on the way there."""
    for define in circuit.defines:
        lanes |= lanes_of(define.target, number(define.value, lanes))
    return number(value, lanes)


@functools.cache
def both(width: int, precision: str = "float32") -> tuple[tuple[Circuit, Value], ...]:
    """`x + y` and `x - y`, each with the circuit that keeps its carries."""
    x, y = Word.of("x", width), Word.of("y", width)
    first, second = (Circuit("test", width, 5, precision=PRECISIONS[precision]) for _ in range(2))
    return (first, first.add(x, y)), (second, second.sub(x, y))


def words(width: int) -> tuple[Word, Word, Circuit]:
    return Word.of("x", width), Word.of("y", width), Circuit("test", width, 5)


def test_add_and_sub_are_exhaustively_right_at_four_bits() -> None:
    x, y, m = words(4)
    total, difference = m.add(x, y), m.sub(x, y)
    for a, b in itertools.product(range(16), repeat=2):
        lanes = {**lanes_of(x, a), **lanes_of(y, b)}
        assert number(total, lanes) == (a + b) % 16
        assert number(difference, lanes) == (a - b) % 16


@pytest.mark.parametrize("width", [8, 16, 32, 64])
@given(data=st.data())
def test_add_and_sub_wrap_at_every_width(width: int, data: st.DataObject) -> None:
    full = 1 << width
    edges = st.sampled_from([0, 1, full // 2 - 1, full // 2, full - 1])
    numbers = st.one_of(edges, st.integers(0, full - 1))
    a, b = data.draw(numbers), data.draw(numbers)
    check_sum_and_difference(a, b, width)


def check_sum_and_difference(a: int, b: int, width: int, precision: str = "float32") -> None:
    lanes = {**lanes_of(Word.of("x", width), a), **lanes_of(Word.of("y", width), b)}
    (m, total), (n, difference) = both(width, precision)
    assert evaluate(m, total, dict(lanes)) == (a + b) % (1 << width)
    assert evaluate(n, difference, dict(lanes)) == (a - b) % (1 << width)


@pytest.mark.parametrize("constant", [0, 1, 3, 12, 255])
def test_adding_a_constant(constant: int) -> None:
    x, _, m = words(8)
    following = m.add(x, constant)
    assert all(number(following, lanes_of(x, a)) == (a + constant) % 256 for a in range(256))


def test_words_longer_than_a_slice_pass_their_carry_through_a_lane() -> None:
    size = FLOAT32.slice_bits
    x, y, m = words(2 * size)
    m.add(x, y)
    m.sub(x, y)
    names = [define.name for define in m.defines]
    assert names == [f"x+y.carry.{size}", f"x-y.borrow.{size}"]


def test_a_second_sum_of_the_same_words_has_a_carry_of_its_own() -> None:
    size = FLOAT32.slice_bits
    x, y, m = words(2 * size)
    m.add(x, y)
    m.add(x, y)
    m.add(x, 3)
    names = [define.name for define in m.defines]
    assert names == [f"x+y.carry.{size}", f"x+y.carry.{size}#2", f"x+3.carry.{size}"]


@pytest.mark.parametrize("name", PRECISIONS)
@pytest.mark.parametrize("width", [8, 16, 32])
def test_no_sum_outgrows_the_mantissa(name: str, width: int) -> None:
    """Thresholds of an adder under one more condition, in steps of one half."""
    x, y = Word.of("x", width), Word.of("y", width)
    m = Circuit("test", width, 5, precision=PRECISIONS[name])
    for value in (m.add(x, y), m.sub(x, y)):
        chosen = m.select(literal(FLAG), value, x)
        forms = [
            t.condition.form - t.condition.threshold
            for signal in chosen.signals
            for t in signal.gated
        ]
        largest = max(2 * (form.spread + abs(form.constant)) for form in forms)
        assert largest <= 1 << PRECISIONS[name].mantissa


@pytest.mark.parametrize("name", PRECISIONS)
@given(a=st.integers(0, (1 << 32) - 1), b=st.integers(0, (1 << 32) - 1))
def test_add_and_sub_are_right_in_slices_of_every_precision(name: str, a: int, b: int) -> None:
    check_sum_and_difference(a, b, 32, name)


def test_but_not_and_neither_at_every_pair_of_ands() -> None:
    x, y = Word.of("x", 3), Word.of("y", 3)
    for a, b in itertools.product(range(8), repeat=2):
        lanes = {**lanes_of(x, a), **lanes_of(y, b)}
        first, second = all_ones(x), equal(y, 2)
        assert number(but_not(first, second), lanes) == (a == 7 and b != 2)
        assert number(neither(first, second), lanes) == (a != 7 and b != 2)


@given(st.integers(0, 255), st.integers(0, 255), st.booleans())
def test_select_of_a_sum_and_a_word(a: int, b: int, flag: bool) -> None:
    x, y, m = words(8)
    lanes = {**lanes_of(x, a), **lanes_of(y, b), **lanes_of(FLAG, flag)}
    assert number(m.select(FLAG, m.sub(x, y), y), lanes) == ((a - b) % 256 if flag else b)
    assert number(m.select(FLAG, y, m.sub(x, y)), lanes) == (b if flag else (a - b) % 256)
    assert number(m.select(FLAG, 7, x), lanes) == (7 if flag else a)


def test_select_does_not_gate_what_both_have_in_common() -> None:
    x, _, m = words(8)
    chosen = select(literal(FLAG), x, m.add(x, 0), 8)
    assert all(len(signal.gated) == 2 for signal in chosen.signals)


def test_comparisons_at_every_eight_bit_word() -> None:
    x = Word.of("x", 8)
    for a in range(256):
        lanes = lanes_of(x, a)
        assert holds(nonpositive(x), lanes) == (a == 0 or a >= 128)
        assert holds(all_ones(x), lanes) == (a == 255)
        assert holds(equal(x, 77), lanes) == (a == 77)


@examples(0.25)
@given(st.dictionaries(st.integers(0, 255), st.integers(0, 15), max_size=8))
def test_table_looks_up_and_is_zero_elsewhere(rows: dict[int, int]) -> None:
    x = Word.of("x", 8)
    value = table(x, rows, 4)
    assert all(number(value, LANES[a]) == rows.get(a, 0) for a in range(256))


def test_adding_words_of_different_widths_is_refused() -> None:
    with pytest.raises(arithmetic.CompileError, match="a word of 4 bits is added to one of 8"):
        Circuit("test", 8, 5).add(Word.of("x", 8), Word.of("y", 4))
