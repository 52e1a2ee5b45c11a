"""Sums in planes are sums, modulo a power of two."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from looped.engines.lifted.code import Code
from looped.engines.lifted.planes import Planes
from tests.engines.lifted.evaluate import evaluate

WIDTH = 6

terms = st.tuples(st.integers(0, 63), st.integers(0, 63), st.integers(-5, 5))


@given(st.lists(terms, max_size=9), st.lists(st.integers(-20, 20), min_size=WIDTH, max_size=WIDTH))
def test_every_place_is_a_sum(added: list[tuple[int, int, int]], constants: list[int]) -> None:
    code = Code()
    planes = Planes(code, 4)
    for n, (_, mask, factor) in enumerate(added):
        planes.add(code.mask(code.emit("state", number=n), mask), mask, factor)
    for place, constant in enumerate(constants):
        planes.add_constant(place, constant)
    totals = planes.total()
    values = evaluate(code, [word for word, _, _ in added], [])
    assert values is not None
    for place, constant in enumerate(constants):
        found = sum((values[plane] >> place & 1) << n for n, plane in enumerate(totals))
        expected = constant + sum(f for word, mask, f in added if word & mask & 1 << place)
        assert found == expected % 16
