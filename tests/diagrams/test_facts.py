"""Diagrams under facts are the functions themselves wherever the facts hold."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from looped.diagrams import DiagramsUnderFacts, Facts, Node, TooLarge

NAMES = "abcd"
State = dict[str, int]
STATES = [dict(zip(NAMES, bits, strict=True)) for bits in itertools.product((0, 1), repeat=4)]

EXCLUSIVE: Facts = {
    ("a", 1): {"b": 0, "d": 1},
    ("b", 1): {"a": 0},
    ("d", 0): {"a": 0},
}
"""Not both a and b; d wherever a."""

tables = st.lists(st.integers(-2, 2), min_size=16, max_size=16)


def holds(facts: Facts, state: State) -> bool:
    given_bits = ((name, bit, follows) for (name, bit), follows in facts.items())
    return all(
        state[str(name)] != bit or all(state[str(n)] == v for n, v in follows.items())
        for name, bit, follows in given_bits
    )


def space_of(facts: Facts) -> DiagramsUnderFacts:
    space = DiagramsUnderFacts(NAMES, facts, 500)
    space.begin()
    return space


def from_table(space: DiagramsUnderFacts, table: list[int], order: list[int]) -> Node:
    """A sum of products, its terms added in some order."""
    result = space.zero
    for index in order:
        term = space.number(table[index])
        for name, bit in STATES[index].items():
            variable = space.variable(name)
            term = space.times(term, variable if bit else space.negated(variable))
        result = space.add(result, term)
    return result


def value(space: DiagramsUnderFacts, function: Node, state: State) -> object:
    while branch := space.branch(function):
        function = branch.high if state[str(branch.name)] else branch.low
    return space.constant(function)


@given(tables)
def test_a_function_is_itself_wherever_the_facts_hold(table: list[int]) -> None:
    space = space_of(EXCLUSIVE)
    function = from_table(space, table, list(range(16)))
    for state, number in zip(STATES, table, strict=True):
        if holds(EXCLUSIVE, state):
            assert value(space, function, state) == number


@given(tables, st.permutations(range(16)))
def test_without_facts_equal_functions_are_one_node(table: list[int], order: list[int]) -> None:
    space = space_of({})
    first = from_table(space, table, list(range(16)))
    assert first == from_table(space, table, order)
    for state, number in zip(STATES, table, strict=True):
        assert value(space, first, state) == number


@given(tables)
def test_the_support_is_what_matters(table: list[int]) -> None:
    space = space_of({})
    function = from_table(space, table, list(range(16)))
    rows = {tuple(state.values()): number for state, number in zip(STATES, table, strict=True)}
    matter = {
        name
        for state, number in zip(STATES, table, strict=True)
        for name in NAMES
        if rows[tuple({**state, name: 1 - state[name]}.values())] != number
    }
    assert space.support(function) == matter


def test_what_never_happens_does_not_appear() -> None:
    space = space_of(EXCLUSIVE)
    a, b, d = map(space.variable, "abd")
    assert space.times(a, b) == space.zero
    assert space.times(a, d) == a
    assert space.add(a, b) == space.maximum(a, b)


def test_a_function_may_take_so_many_nodes() -> None:
    space = DiagramsUnderFacts(range(20), {}, 100)
    for _ in range(3):  # each function has its own share
        space.begin()
        space.affine([(space.variable(i), 1) for i in range(4)], 0)
    space.begin()
    with pytest.raises(TooLarge, match="a diagram has more than"):
        space.affine([(space.variable(i), 1 << i) for i in range(20)], 0)
