"""Thresholds become expressions with the same value, whatever the weights and however the words."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from looped.engines.lifted.code import Code
from looped.engines.lifted.conditions import All, Bit, Conditions, Expression, Not, Parity
from tests import seeds
from tests.engines.lifted.evaluate import evaluate

WIDTHS = (8, 8, 1, 5)


def truth(expression: Expression, values: list[int]) -> bool:
    match expression:
        case bool():
            return expression
        case Bit(value, place):
            return bool(values[value] >> place & 1)
        case Not(inner):
            return not truth(inner, values)
        case All(parts):
            return all(truth(part, values) for part in parts)
        case Parity(parts):
            return sum(truth(part, values) for part in parts) % 2 == 1


def check(weights: dict[tuple[int, int], int], at: int, seed: int) -> Code:
    """Compare a threshold over bits (word, place) with its expression on random words."""
    code = Code()
    words = [code.emit("state", number=n) for n in range(len(WIDTHS))]
    conditions = Conditions(code, dict(zip(words, WIDTHS, strict=True)))
    bits = {Bit(words[word], place): weight for (word, place), weight in weights.items()}
    expression = conditions.threshold(bits, at)
    rng = seeds.rng(seed)
    for _ in range(30):
        state = [rng.choice([0, (1 << w) - 1, rng.getrandbits(w)]) for w in WIDTHS]
        values = evaluate(code, state, [])
        assert values is not None
        total = sum(w * (state[word] >> place & 1) for (word, place), w in weights.items())
        assert truth(expression, values) == (total >= at), (state, expression)
    return code


places = st.sampled_from([(n, p) for n, width in enumerate(WIDTHS) for p in range(width)])


@given(
    st.dictionaries(places, st.sampled_from([-3, -2, -1, 1, 2, 4, 5]), max_size=9),
    st.integers(-12, 12),
    st.integers(0, 1000),
)
def test_any_threshold(weights: dict[tuple[int, int], int], at: int, seed: int) -> None:
    check(weights, at, seed)


@given(
    st.integers(1, 7),
    st.sampled_from([(1, 1), (1, -1), (-1, 1), (-1, -1)]),
    st.integers(0, 1),
    st.integers(-1, 1),
    st.integers(-300, 300),
    st.sampled_from([0, -1, 1, 40, -40]),
    st.integers(0, 1000),
)
def test_carries_and_borrows(
    bits: int,
    signs: tuple[int, int],
    more: int,
    carry: int,
    at: int,
    literal: int,
    seed: int,
) -> None:
    """Sums of two fields, one perhaps longer, a carry and a condition, at any threshold."""
    weights = {(0, j): signs[0] << j for j in range(bits + more if bits + more <= 8 else bits)}
    weights |= {(1, j): signs[1] << j for j in range(bits)}
    weights |= {(2, 0): carry} if carry else {}
    weights |= {(3, 4): literal} if literal else {}
    check(weights, at, seed)


def test_the_carries_of_an_adder_are_one_addition() -> None:
    """[x mod 2^i + y mod 2^i ≥ 2^i] for all i: one sum, whose bits they are."""
    code = Code()
    x, y = (code.emit("state", number=n) for n in range(2))
    conditions = Conditions(code, {x: 16, y: 16})
    for i in range(2, 16):
        bits = {Bit(word, j): 1 << j for word in (x, y) for j in range(i)}
        conditions.threshold(bits, 1 << i)
    assert sum(i.operation == "add" for i in code.instructions) == 1


def test_many_literals_of_one_word_are_one_comparison() -> None:
    code = Code()
    word = code.emit("state")
    conditions = Conditions(code, {word: 16})
    conditions.threshold({Bit(word, j): 1 for j in range(16)}, 16)
    assert sum(i.operation == "equal" for i in code.instructions) == 1
