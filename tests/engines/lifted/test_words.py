"""Lanes become words: what they hold, and what words are recognised."""

from __future__ import annotations

import functools
from collections import Counter
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from looped.engines.lifted import words as words_module
from looped.engines.lifted.code import Code
from looped.engines.lifted.conditions import All, Bit, Conditions, Expression, Not, Parity
from looped.engines.lifted.fields import find_fields
from looped.engines.lifted.sums import Form, State, Sum
from looped.engines.lifted.words import Words
from tests import seeds
from tests.conftest import examples
from tests.engines.lifted.evaluate import evaluate
from tests.engines.lifted.lifts import lifted
from tests.engines.lifted.test_conditions import truth

WIDTHS = (8, 8, 1, 5)

bits = st.sampled_from([Bit(n, p) for n, width in enumerate(WIDTHS) for p in range(width)])
expressions = st.recursive(
    bits,
    lambda inner: st.one_of(
        inner.map(Not),
        st.lists(inner, min_size=1, max_size=4).map(lambda parts: All(tuple(parts))),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: Parity(tuple(parts))),
    ),
    max_leaves=6,
)


def beginning() -> Code:
    """Code with the words as its first values."""
    code = Code()
    for number, width in enumerate(WIDTHS):
        code.emit("state", number=number, most=(1 << width) - 1)
    return code


def assigned(code: Code, lanes: dict[int, Expression]) -> dict[int, State]:
    """The lanes that are one where conditions hold."""
    states: dict[int, State] = {}
    sums = {lane: Sum(Form(-1.0), [(when, Form(2.0))]) for lane, when in lanes.items()}
    Words(code, dict(enumerate(WIDTHS)), {}).assign(sums, states)
    return states


def check(code: Code, lanes: dict[int, Expression], states: dict[int, State], seed: int) -> None:
    """Compare lanes with their conditions on random words."""
    rng = seeds.rng(seed)
    for _ in range(20):
        words = [rng.choice([0, (1 << w) - 1, rng.getrandbits(w)]) for w in WIDTHS]
        values = evaluate(code, words, [])
        assert values is not None
        for lane, when in lanes.items():
            state = states[lane]
            found = values[state.value] >> state.place & 1 if isinstance(state, Bit) else state
            assert found == truth(when, values), (lane, when)


@examples(0.3)
@given(st.lists(expressions, min_size=1, max_size=6), st.integers(0, 1000))
def test_any_functions_of_bits(some: list[Expression], seed: int) -> None:
    code = beginning()
    lanes = dict(enumerate(some))
    check(code, lanes, assigned(code, lanes), seed)


@examples(0.3)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.booleans()), min_size=1, max_size=4),
    st.integers(0, 1000),
)
def test_lanes_of_one_function_are_one_word(parts: list[tuple[int, bool]], seed: int) -> None:
    """A conjunction of two words, moved and inverted, under a condition."""
    lanes: dict[int, Expression] = {}
    for lane in range(4):
        literals: list[Expression] = [Bit(2, 0)]
        for word, (by, inverted) in enumerate(parts[:2]):
            bit = Bit(word, lane + by)
            literals.append(Not(bit) if inverted else bit)
        lanes[lane] = All(tuple(literals))
    code = beginning()
    states = assigned(code, lanes)
    check(code, lanes, states, seed)
    assert len({state.value for state in states.values() if isinstance(state, Bit)}) == 1


def test_conjunctions_and_exclusive_ors_of_the_same_bits_differ() -> None:
    code = beginning()
    parts = Bit(0, 0), Bit(0, 1)
    lanes: dict[int, Expression] = {0: All(parts), 1: Parity(parts), 2: Not(Parity(parts))}
    check(code, lanes, assigned(code, lanes), 0)


@examples(0.3)
@given(st.lists(st.tuples(expressions, bits), min_size=1, max_size=5), st.integers(0, 1000))
def test_what_a_kind_adds_to_large_sums(some: list[tuple[Expression, Bit]], seed: int) -> None:
    """Exclusive ors under a flag, in terms as hidden units make them."""
    flag = Bit(2, 0)
    code = beginning()
    lanes: dict[int, Expression] = {}
    sums = {}
    for lane, (when, bit) in enumerate(some):
        lanes[lane] = All((flag, Parity((when, bit))))
        flips = All((flag, when)), Form(2.0, {bit: -4.0})
        sums[lane] = Sum(Form(-1.0), [flips, (bit, Form(0.0, {flag: 2.0}))])
    states: dict[int, State] = {}
    with mock.patch.object(words_module, "_MOST_BITS", -1):
        Words(code, dict(enumerate(WIDTHS)), {}).assign(sums, states)
    check(code, lanes, states, seed)


def test_an_adder_under_a_flag_needs_no_addition_of_its_terms() -> None:
    flag, code = Bit(2, 0), beginning()
    total = code.emit("add", 0, 1)
    sums = {}
    for n in range(8):
        carried = Parity((Bit(total, n), Bit(0, n)))
        flips = All((flag, carried)), Form(2.0, {Bit(0, n): -4.0})
        sums[n] = Sum(Form(-1.0), [flips, (Bit(0, n), Form(0.0, {flag: 2.0}))])
    states: dict[int, State] = {}
    with mock.patch.object(words_module, "_MOST_BITS", -1):
        Words(code, dict(enumerate(WIDTHS)), {}).assign(sums, states)
    assert len({state.value for state in states.values() if isinstance(state, Bit)}) == 1
    assert operations(code) == {"add": 1, "and": 1, "select": 1}


def operations(code: Code) -> Counter[str]:
    return Counter(i.operation for i in code.instructions if i.operation not in ("const", "state"))


def test_the_exclusive_or_of_words_is_one_operation() -> None:
    code = beginning()
    lanes: dict[int, Expression] = {n: Parity((Bit(0, n), Bit(1, n))) for n in range(8)}
    assigned(code, lanes)
    assert operations(code) == {"xor": 1}


@pytest.mark.parametrize("negated", [False, True])
def test_a_conjunction_of_bits_of_one_word_is_a_comparison(negated: bool) -> None:
    code = beginning()
    parts = (Bit(0, 1), Not(Bit(0, 4)), Bit(0, 5), Bit(0, 7))
    lanes: dict[int, Expression] = {0: Not(All(parts)) if negated else All(parts)}
    check(code, lanes, assigned(code, lanes), 0)
    assert operations(code)["equal"] == 1
    assert sum(operations(code).values()) <= 3 + negated


def test_flips_of_bits_above_ones_are_an_increment() -> None:
    """Bit n of a word flips where all lower bits are ones: the lanes of the word plus one."""
    code = beginning()
    conditions = Conditions(code, dict(enumerate(WIDTHS)))
    sums = {}
    for n in range(1, 8):
        flips = {Bit(0, n): -4.0}
        carry = conditions.threshold({Bit(0, j): 1 for j in range(n)}, n, flips)
        sums[n] = Sum(Form(-1.0, {Bit(0, n): 2.0}), [(carry, Form(2.0, flips))])
    states: dict[int, State] = {}
    Words(code, dict(enumerate(WIDTHS)), {}).assign(sums, states)
    total = code.plus(code.const(1), 0)
    assert states == {n: Bit(total, n) for n in range(1, 8)}
    assert operations(code) == {"add": 1}


def test_the_slices_of_an_adder_are_one_word() -> None:
    """The machine adds 18 and 14 bits; its operands come to the MLP as words of 32."""
    found = find_fields(lifted("rv32i").behaviour)
    assert sum(len(word) == 32 for word in found.blocks[1]) >= 3
    assert 32 in map(len, found.blocks[2])


@functools.cache
def sizes() -> dict[str, int]:
    """How many operations a pass takes."""
    codes = {"subleq": lifted("subleq", 16).code, "rv32i": lifted("rv32i").code}
    return {name: sum(operations(code).values()) for name, code in codes.items()}


@pytest.mark.parametrize(("name", "most"), [("subleq", 90), ("rv32i", 1_600)])
def test_a_pass_takes_few_operations(name: str, most: int) -> None:
    assert sizes()[name] <= most
