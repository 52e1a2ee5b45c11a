"""Diagrams against functions evaluated state by state."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from looped.diagrams import Diagrams, Number, TooLarge
from looped.diagrams import space as diagrams

NAMES = "abcdef"
STATES = [dict(zip(NAMES, signs, strict=True)) for signs in itertools.product((-1, 1), repeat=6)]
State = Mapping[str, int]

forms = st.dictionaries(st.sampled_from(NAMES), st.integers(-9, 9))
bounds = st.integers(-30, 30)


def value(terms: Mapping[str, int], state: State) -> int:
    return sum(factor * state[name] for name, factor in terms.items())


def evaluate(space: Diagrams, node: int, state: State) -> Number:
    """The value in one state, by putting constants in the place of all variables."""
    signs = {n: space.one if state[n] > 0 else space.zero for n in NAMES}
    (found,) = space.values(space.compose(node, dict(signs)))
    return found


def same(space: Diagrams, node: int, function: Callable[[State], int]) -> bool:
    return all(evaluate(space, node, s) == function(s) for s in STATES)


def affine(space: Diagrams, terms: Mapping[str, int], constant: int = 0) -> int:
    return space.affine([(space.variable(n), c) for n, c in terms.items()], constant)


@given(forms, bounds)
def test_a_threshold_is_the_comparison_of_the_sum(terms: dict[str, int], bound: int) -> None:
    space = Diagrams()
    step = space.threshold(dict(terms), bound)
    assert same(space, step, lambda s: int(value(terms, s) >= bound))
    total = affine(space, terms)
    assert step == space.at_least(total, space.number(bound)), "one function, one node"


@given(forms, forms, bounds)
def test_arithmetic_is_that_of_the_values(x: dict[str, int], y: dict[str, int], c: int) -> None:
    space = Diagrams()
    a, b = affine(space, x, c), affine(space, y)
    assert same(space, space.add(a, b), lambda s: value(x, s) + c + value(y, s))
    assert same(space, space.times(a, b), lambda s: (value(x, s) + c) * value(y, s))
    assert same(space, space.minus(a, b), lambda s: value(x, s) + c - value(y, s))
    assert same(space, space.maximum(a, b), lambda s: max(value(x, s) + c, value(y, s)))
    assert space.add(a, b) == affine(space, {n: x.get(n, 0) + y.get(n, 0) for n in NAMES}, c)


@given(forms, forms, st.permutations(NAMES))
def test_a_copy_is_the_same_function_in_any_order(
    x: dict[str, int], y: dict[str, int], order: list[str]
) -> None:
    space, other = Diagrams(), Diagrams()
    for name in order:
        other.variable(name)
    node = space.times(affine(space, x, 1), affine(space, y))
    copy = other.copied(space, node)
    assert same(other, copy, lambda s: (value(x, s) + 1) * value(y, s))
    assert copy == other.times(affine(other, x, 1), affine(other, y)), "one function, one node"


@given(forms, st.sets(st.sampled_from(NAMES)))
def test_the_greatest_value_over_some_variables(terms: dict[str, int], names: set[str]) -> None:
    space = Diagrams()
    node = space.greatest(affine(space, terms), names)

    def largest(state: State) -> int:
        return sum(abs(c) if n in names else c * state[n] for n, c in terms.items())

    assert same(space, node, largest)


@given(forms, bounds)
def test_a_state_of_a_condition_satisfies_it(terms: dict[str, int], bound: int) -> None:
    space = Diagrams()
    step = space.threshold(dict(terms), bound)
    if step != space.zero:
        state = dict.fromkeys(NAMES, 1) | {str(n): s for n, s in space.state(step).items()}
        assert value(terms, state) >= bound


@given(forms, st.lists(bounds, min_size=8, max_size=40))
def test_thresholds_of_one_sum_at_many_bounds(terms: dict[str, int], many: list[int]) -> None:
    """They share nodes, each for an interval of bounds: none may be too wide."""
    space = Diagrams()
    for bound in [*many, *(bound + 1 for bound in many)]:
        step = space.threshold(dict(terms), bound)
        assert same(space, step, lambda s, b=bound: int(value(terms, s) >= b))  # type: ignore[misc]


@given(forms, forms, bounds, bounds)
def test_comparisons_and_choices(x: dict[str, int], y: dict[str, int], c: int, d: int) -> None:
    space = Diagrams()
    a, b = affine(space, x), affine(space, y)
    larger = space.at_least(a, b)
    assert same(space, larger, lambda s: int(value(x, s) >= value(y, s)))
    assert same(space, space.negated(larger), lambda s: int(value(x, s) < value(y, s)))
    assert same(space, space.equals(a, b), lambda s: int(value(x, s) == value(y, s)))
    assert same(space, space.among(a, [c, d]), lambda s: int(value(x, s) in (c, d)))
    assert same(space, space.choose(larger, a, b), lambda s: max(value(x, s), value(y, s)))


@given(forms, forms, forms, st.sampled_from(NAMES), st.sampled_from(NAMES))
def test_conditions_in_the_place_of_some_variables(
    x: dict[str, int], y: dict[str, int], z: dict[str, int], one: str, other: str
) -> None:
    """All at once: what is put in for one variable may depend on the other."""
    space = Diagrams()
    conditions = {one: space.threshold(dict(y), 1), other: space.threshold(dict(z), 2)}
    bounds_of = {one: (y, 1), other: (z, 2)}

    def changed(s: State) -> dict[str, int]:
        return {**s, **{n: 1 if value(t, s) >= b else -1 for n, (t, b) in bounds_of.items()}}

    composed = space.compose(affine(space, x), conditions)
    assert same(space, composed, lambda s: value(x, changed(s)))


@given(
    st.permutations("abc"),
    st.permutations("abc"),
    st.lists(st.integers(0, 1), min_size=8, max_size=8),
)
def test_a_table_in_any_order_is_its_rows(
    first: list[str], names: list[str], rows: list[int]
) -> None:
    space = Diagrams()
    for name in first:
        space.variable(name)
    node = space.table(names, rows)
    assert same(space, node, lambda s: rows[sum(1 << i for i in range(3) if s[names[i]] > 0)])


def test_how_many_branches_a_function_has() -> None:
    space = Diagrams()
    a, b = space.variable("a"), space.variable("b")
    assert [space.branches(n) for n in (space.one, a, space.times(a, b), space.add(a, b))] == [
        0, 1, 2, 3,
    ]  # fmt: skip


def test_a_table_is_its_rows() -> None:
    space = Diagrams()
    space.variable("c")
    node = space.table(["a", "b", "c"], [0, 1, 1, 0, 1, 0, 0, 1])
    assert same(space, node, lambda s: int((s["a"] * s["b"] * s["c"]) > 0))


def test_sums_of_an_adder_stay_small_and_a_bad_order_is_given_up(monkeypatch) -> None:
    """Σ 2^i (x_i + y_i) ≥ t has a few nodes a bit if x_i is beside y_i, else 2^40."""
    monkeypatch.setattr(diagrams, "_LIMIT", 5000)
    beside, apart = Diagrams(), Diagrams()
    for i in range(40):
        beside.variable(("x", i)), beside.variable(("y", i))
    terms = {(w, i): 1 << i for i in range(40) for w in "xy"}
    beside.threshold(dict(terms), 12345678901)
    assert len(beside._level) < 300
    for word in "xy":
        for i in range(40):
            apart.variable((word, i))
    with pytest.raises(TooLarge, match="a diagram has more than 5,000 nodes"):
        apart.threshold(dict(terms), 12345678901)
