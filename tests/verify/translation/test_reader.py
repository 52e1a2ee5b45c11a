"""Values as diagrams are those that the code computes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from looped.diagrams import Diagrams, Node
from looped.engines.lifted.code import MASK, Code
from looped.verify.translation.reader import WORD, Reader
from looped.verify.translation.zeros import may_be_one
from tests.engines.lifted.evaluate import evaluate


@pytest.mark.parametrize("operation", ["shl", "shr"])
@given(number=st.integers(0, MASK), by=st.integers(0, 63))
def test_a_shift_by_a_value(operation: str, number: int, by: int) -> None:
    code = Code()
    code.emit(operation, code.const(number), code.emit("state"))
    space = Diagrams()
    reader = Reader(code, space, set(), may_be_one(code, (6,), 0))
    state: dict[object, Node] = {
        ("bit", 1, p): space.one if by >> p & 1 else space.zero for p in range(6)
    }
    found = [space.compose(bit, state) for bit in reader.word(2)]
    values = evaluate(code, [by], [])
    assert values is not None
    assert found == [space.number(values[2] >> place & 1) for place in range(WORD)]
