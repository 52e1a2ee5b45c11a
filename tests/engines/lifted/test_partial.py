"""Parts of straight-line code compute what the whole does."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from looped.engines.lifted.code import MASK, Code
from looped.engines.lifted.partial import evaluated, under
from tests.conftest import examples
from tests.engines.lifted.evaluate import evaluate
from tests.engines.lifted.random_code import random_code

words = st.integers(0, MASK) | st.integers(0, 40)
cells = st.lists(st.integers(0, 0xFFFF), min_size=4, max_size=4)


def outcome(code: Code, state: list[int], held: list[int]) -> object:
    """The words after a pass, and the cells; None if it is abandoned."""
    own = list(held)
    values = evaluate(code, state, own)
    return None if values is None else ([values[n] for n in code.following], own)


@examples(0.3)
@given(st.data(), st.tuples(words, words), cells)
def test_what_a_value_may_be(data: st.DataObject, state: tuple[int, int], held: list[int]) -> None:
    """No value has a one where `most` has none."""
    code = random_code(data, guards=False)
    values = evaluate(code, state, list(held))
    assert values is not None
    effects = [n for n, i in enumerate(code.instructions) if i.operation == "store"]
    assert all(not v & ~code.most[n] for n, v in enumerate(values) if n not in effects)


@examples(0.3)
@given(st.data(), st.tuples(words, words), cells)
def test_code_under_what_holds_in_a_pass(
    data: st.DataObject, state: tuple[int, int], held: list[int]
) -> None:
    """With some values of a pass as constants and some bits of others, code does the same there."""
    code = random_code(data, guards=True)
    values = evaluate(code, state, list(held))
    if values is None:
        return
    effects = ("store", "guard")
    own = [n for n, i in enumerate(code.instructions) if i.operation not in effects]
    fixed = data.draw(st.sets(st.sampled_from(own), max_size=3))
    given = data.draw(st.sets(st.sampled_from(own), max_size=2)) - fixed
    masks = {n: data.draw(words) for n in sorted(given)}
    part = under(
        code,
        {n: values[n] for n in fixed},
        {n: (mask, values[n] & mask) for n, mask in masks.items()},
    )
    assert outcome(part, list(state), held) == outcome(code, list(state), held)


@examples(0.3)
@given(st.data(), st.tuples(words, words), cells)
def test_the_code_of_some_values(
    data: st.DataObject, state: tuple[int, int], held: list[int]
) -> None:
    """It leaves these values, and is abandoned only where the whole is."""
    code = random_code(data, guards=True)
    stores = [n for n, i in enumerate(code.instructions) if i.operation == "store"]
    end = min(stores, default=len(code.instructions))
    own = [n for n in range(end) if code.instructions[n].operation != "guard"]
    wanted = data.draw(st.lists(st.sampled_from(own), min_size=1, max_size=3))
    whole, part = evaluate(code, state, list(held)), evaluated(code, wanted)
    values = evaluate(part, state, list(held))
    if whole is not None:
        assert values is not None
        assert [values[n] for n in part.following] == [whole[n] for n in wanted]
