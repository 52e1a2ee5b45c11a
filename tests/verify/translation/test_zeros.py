"""Bits that are said to be always zero are zero, whatever the code."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from looped.engines.lifted.code import MASK
from looped.verify.translation.zeros import may_be_one
from tests.conftest import examples
from tests.engines.lifted.evaluate import evaluate
from tests.engines.lifted.random_code import random_code


@examples(0.3)
@given(
    st.data(),
    st.tuples(st.integers(0, MASK), st.integers(0, 40)),
    st.lists(st.integers(0, 0xFFFF), min_size=4, max_size=4),
)
def test_no_value_has_other_ones(
    data: st.DataObject, state: tuple[int, int], cells: list[int]
) -> None:
    code = random_code(data, guards=False)
    ones = may_be_one(code, (64, 6), 16)
    values = evaluate(code, state, cells)
    assert values is not None
    made = [n for n, i in enumerate(code.instructions) if i.operation != "store"]
    assert not [n for n in made if values[n] & ~ones[n]]
