"""Sums in slices are what they are one by one, and a guard fails where one of them is not ±1."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from looped.engines.lifted.code import Code
from looped.engines.lifted.conditions import All, Bit, Expression, Not, Parity
from looped.engines.lifted.slices import Slices
from looped.engines.lifted.sums import Form, State, Sum
from tests import seeds
from tests.engines.lifted.evaluate import evaluate
from tests.engines.lifted.test_conditions import truth

WIDTHS = (8, 8, 1, 5)

bits = st.sampled_from([Bit(n, p) for n, width in enumerate(WIDTHS) for p in range(width)])
expressions = st.recursive(
    bits,
    lambda inner: st.one_of(
        inner.map(Not),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: All(tuple(parts))),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: Parity(tuple(parts))),
    ),
    max_leaves=4,
)
numbers = st.sampled_from([-2.0, -1.0, 0.0, 0.5, 1.0, 2.0])
forms = st.builds(Form, numbers, st.dictionaries(bits, numbers, max_size=2))
sums = st.builds(Sum, forms, st.lists(st.tuples(expressions, forms), max_size=4))


def value(total: Sum, words: list[int]) -> float:
    parts = [(True, total.form), *total.gated]
    return sum(
        form.constant + sum(c for bit, c in form.bits.items() if truth(bit, words))
        for condition, form in parts
        if truth(condition, words)
    )


def settled(totals: dict[int, Sum]) -> tuple[Code, dict[int, State]]:
    """The code of some sums, whose words are the first values."""
    code = Code()
    words = [code.emit("state", number=n) for n in range(len(WIDTHS))]
    lanes: dict[int, State] = {}
    slices = Slices(code, dict(zip(words, WIDTHS, strict=True)), lambda first, second: False)
    slices.assign(totals, (), lanes)
    return code, lanes


@given(st.lists(sums, min_size=1, max_size=6), st.integers(0, 1000))
def test_any_sums(totals: list[Sum], seed: int) -> None:
    code, lanes = settled(dict(enumerate(totals)))
    rng = seeds.rng(seed)
    for _ in range(20):
        words = [rng.getrandbits(width) for width in WIDTHS]
        results = [value(total, words) for total in totals]
        values = evaluate(code, words, [])
        if any(abs(result) != 1 for result in results):
            assert values is None
            continue
        assert values is not None
        for lane, result in enumerate(results):
            state = lanes[lane]
            assert isinstance(state, Bit)
            assert values[state.value] >> state.place & 1 == (result == 1)


def when(condition: Expression, bit: Bit) -> tuple[Expression, Form]:
    return condition, Form(0.0, {bit: 2.0})


def test_lanes_with_the_same_terms_at_the_same_distance_are_one_word() -> None:
    """A word where a condition holds, else another one moved by two places: but for the ends."""
    flag = Bit(2, 0)
    totals = {
        lane: Sum(Form(-1.0), [when(flag, Bit(0, lane)), when(Not(flag), Bit(1, lane + 2))])
        for lane in range(6)
    }
    totals[6] = Sum(Form(-1.0), [when(flag, Bit(0, 6))])
    _, lanes = settled(totals)
    assert len({state.value for state in lanes.values() if isinstance(state, Bit)}) == 1
    assert [state.place for state in lanes.values() if isinstance(state, Bit)] == list(range(7))


def test_conditions_that_exclude_each_other_need_no_addition() -> None:
    code = Code()
    words = [code.emit("state", number=n) for n in range(len(WIDTHS))]
    flag = Bit(words[2], 0)
    totals = {
        lane: Sum(Form(-1.0), [when(flag, Bit(0, lane)), when(Not(flag), Bit(1, lane))])
        for lane in range(6)
    }
    slices = Slices(
        code, dict(zip(words, WIDTHS, strict=True)), lambda first, second: first == Not(second)
    )
    slices.assign(totals, (), {})
    assert not [i for i in code.instructions if i.operation == "guard"]
