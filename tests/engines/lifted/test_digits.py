"""Alternating steps are digits of a sum, and thresholds of counts are what they count."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from looped.engines.lifted.code import Code
from looped.engines.lifted.conditions import Conditions
from looped.engines.lifted.digits import take_digits
from looped.engines.lifted.lookups import Step
from looped.engines.lifted.runs import Bit
from looped.engines.lifted.sums import Form
from tests.conftest import examples
from tests.engines.lifted.evaluate import evaluate
from tests.engines.lifted.test_conditions import truth

WIDTHS = (8, 8, 1, 5, 3, 4, 2)


def begin() -> tuple[Code, Conditions]:
    code = Code()
    words = [code.emit("state", number=n) for n in range(len(WIDTHS))]
    return code, Conditions(code, dict(zip(words, WIDTHS, strict=True)))


@st.composite
def sums(draw: st.DrawFn) -> dict[Bit, int]:
    """Pieces of words with doubling weights, and single bits."""
    weights: dict[Bit, int] = {}
    for value in draw(st.sets(st.integers(0, len(WIDTHS) - 1), min_size=1, max_size=4)):
        low = draw(st.integers(0, WIDTHS[value] - 1))
        sign, shift = draw(st.sampled_from([1, -1])), draw(st.integers(0, 3))
        for place in range(low, draw(st.integers(low + 1, WIDTHS[value]))):
            weights[Bit(value, place)] = sign << shift + place - low
    return weights


@examples(0.5)
@given(sums(), st.integers(0, 4), st.integers(0, 31), st.integers(0, 3), st.data())
def test_steps_are_digits_only_if_they_are_the_same(
    weights: dict[Bit, int], place: int, offset: int, missing: int, data: st.DataObject
) -> None:
    """All steps of a digit, or the same without some at the ends."""
    low, high = (sum(f(w, 0) for w in weights.values()) for f in (min, max))
    apart = 1 << place
    first = low - offset % apart
    many = range(first, high + 1, apart)
    steps = [
        Step(tuple(weights.items()), at, -2.0 if number % 2 else 2.0)
        for number, at in enumerate(many)
    ][missing % 2 : len(many) - missing // 2]
    left = [(step, Form(step.value)) for step in steps]
    code, conditions = begin()
    digits = list(take_digits(left, conditions.is_count))
    bits = [conditions.digit(dict(d.bits), d.constant, d.place) for d in digits]
    assert not left or not digits
    if missing == 0 and len(steps) >= 3 and not conditions.is_count(weights):
        assert digits
    for _ in range(20):
        state = [data.draw(st.integers(0, (1 << width) - 1)) for width in WIDTHS]
        values = evaluate(code, state, [])
        assert values is not None
        z = sum(w * (state[b.value] >> b.place & 1) for b, w in weights.items())
        expected = sum(step.value for step in steps if z >= step.at)
        found = sum(step.value for step, _ in left if z >= step.at)
        for digit, bit in zip(digits, bits, strict=True):
            found += digit.value * (values[bit.value] >> bit.place & 1)
        assert found == expected


@examples(0.2)
@given(st.lists(st.sampled_from([1, -1]), min_size=5, max_size=7), st.integers(-8, 8))
def test_a_count_is_compared(signs: list[int], at: int) -> None:
    weights = {Bit(value, 0): sign for value, sign in enumerate(signs)}
    code, conditions = begin()
    size = len(code.instructions)
    expression = conditions.threshold(weights, at)
    assert conditions.is_count(weights) and len(code.instructions) == size
    for state in range(1 << len(signs)):
        values = [state >> value & 1 for value in range(len(signs))]
        z = sum(sign * value for sign, value in zip(signs, values, strict=True))
        assert truth(expression, values) == (z >= at)
