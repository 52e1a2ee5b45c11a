"""Sums of forms of any range: bits, what they carry, and what a narrow or gated read leaves."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from looped.circuit.circuit import Circuit
from looped.circuit.sums import bits_of, wide_sum
from looped.circuit.words import Form, Lane, Word
from looped.errors import CompileError
from tests.circuit.evaluate import evaluate, form_value, holds, number, number_in

X = Word.of("x", 6)


@st.composite
def integers(draw: st.DrawFn) -> Form:
    """An integer form: bits of lanes times integers, and a constant."""
    factors = draw(st.lists(st.integers(-3, 3), min_size=len(X), max_size=len(X)))
    constant = draw(st.integers(-4, 4))
    halves = {lane: Fraction(factor, 2) for lane, factor in zip(X, factors, strict=True)}
    return Form(halves, Fraction(sum(factors), 2) + constant)


def lanes(signs: int) -> dict[Lane, int]:
    return {lane: 1 if signs >> i & 1 else -1 for i, lane in enumerate(X)}


@given(places=st.lists(integers(), min_size=1, max_size=5), carry=integers(), signs=st.integers(0))
def test_a_wide_sum_is_the_sum(places: list[Form], carry: Form, signs: int) -> None:
    now = lanes(signs)
    found = wide_sum(places, carry)
    exact = form_value(carry, now)
    exact += sum(form_value(place, now) << i for i, place in enumerate(places))  # type: ignore[operator]
    assert form_value(found.total, now) == exact
    assert number(found.bits, now) == exact % (1 << len(places))
    carried = found.least + sum(holds(condition, now) for condition in found.carried)
    assert carried == exact // (1 << len(places))


@given(form=integers(), count=st.integers(1, 6), signs=st.integers(0))
def test_the_bits_of_a_form(form: Form, count: int, signs: int) -> None:
    assert number(bits_of(form, count), lanes(signs)) == form_value(form, lanes(signs)) % (
        1 << count
    )


def circuit(bits: slice) -> Circuit:
    m = Circuit("m", 4, 2)
    pc, flag = m.register("pc", 2), m.register("flag", 1)
    m.output("fetched", m.fetch("near", pc, 1, bits), len(range(4)[bits]))
    m.output("found", m.read("far", pc, when=flag, bits=bits), len(range(4)[bits]))
    m.next(pc, m.add(pc, 1))
    m.next(flag, 1)
    return m


@pytest.mark.parametrize("bits", [slice(None), slice(2), slice(1, 3), slice(-1, None)])
@pytest.mark.parametrize("flag", [0, 1])
def test_reads_copy_some_bits_where_they_shall(bits: slice, flag: int) -> None:
    m = circuit(bits)
    m.check()
    memory = [0b1001, 0b0110, 0b1111, 0b1010]
    for pc in range(4):
        now = evaluate(m, memory, [], {"pc": pc, "flag": flag, "fetched": 0, "found": 0})
        near, far = (next(r.result for r in m.reads if r.name == name) for name in ("near", "far"))
        mask = range(4)[bits]
        assert number_in(near, now) == memory[(pc + 1) % 4] >> mask.start & (1 << len(mask)) - 1
        assert number_in(far, now) == flag * (memory[pc] >> mask.start & (1 << len(mask)) - 1)


@pytest.mark.parametrize("bits", [slice(2, 2), slice(0, 4, 2), slice(4, 6)])
def test_reads_copy_adjacent_bits(bits: slice) -> None:
    m = Circuit("m", 4, 2)
    with pytest.raises(CompileError, match="copies no adjacent bits"):
        m.fetch("x", m.register("pc", 2), bits=bits)


def test_a_read_depends_on_one_bit() -> None:
    m = Circuit("m", 4, 2)
    pc = m.register("pc", 2)
    with pytest.raises(CompileError, match="it must have one"):
        m.read("x", pc, when=pc)
