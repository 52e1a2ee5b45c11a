"""Decimal text of fixed-point words: as short as can be, and what the reference writes."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from looped.devices.printer import shortest_decimal
from looped.reference.fleq_text import decimal_text
from tests.conftest import examples

FORMATS = st.integers(1, 64).flatmap(
    lambda width: st.tuples(
        st.just(width),
        st.integers(0, width),
        st.integers(-(1 << width - 1), (1 << width) - 1)
        | st.sampled_from((-(1 << width - 1), 0, (1 << width - 1) - 1, (1 << width) - 1)),
    )
)
"""Width, bits behind the point, and a signed or unsigned number of that width."""


def read(text: str, fraction: int) -> int:
    """The number that is nearest to a decimal, the upper one of two."""
    return math.floor(Fraction(text) * (1 << fraction) + Fraction(1, 2))


@examples(4)
@given(FORMATS)
def test_the_text_is_that_of_the_reference(made: tuple[int, int, int]) -> None:
    _, fraction, number = made
    assert shortest_decimal(number, fraction) == decimal_text(number, fraction)


@pytest.mark.parametrize("fraction", range(8))
def test_all_short_words_are_those_of_the_reference(fraction: int) -> None:
    for number in range(-128, 256):
        assert shortest_decimal(number, fraction) == decimal_text(number, fraction)


@examples(2)
@given(FORMATS)
def test_the_text_reads_back_and_no_shorter_one_does(made: tuple[int, int, int]) -> None:
    _, fraction, number = made
    text = shortest_decimal(number, fraction)
    assert read(text, fraction) == number
    decimals = len(text.partition(".")[2])
    assume(decimals)
    scale = 10 ** (decimals - 1)
    middle = math.floor(Fraction(number, 1 << fraction) * scale)
    for shorter in range(middle - 1, middle + 3):
        assert read(str(Fraction(shorter, scale)), fraction) != number


@examples(2)
@given(FORMATS)
def test_of_equally_short_texts_it_is_the_nearest(made: tuple[int, int, int]) -> None:
    _, fraction, number = made
    text = shortest_decimal(number, fraction)
    scale = 10 ** len(text.partition(".")[2])
    value, chosen = Fraction(number, 1 << fraction), Fraction(text)
    for other in (chosen - Fraction(1, scale), chosen + Fraction(1, scale)):
        assert (abs(value - chosen), -chosen) < (abs(value - other), -other)


@pytest.mark.parametrize(
    ("number", "fraction", "text"),
    [
        (0, 16, "0"),
        (-1, 16, "-0.00002"),
        (1 << 15, 16, "0.5"),
        (-(1 << 15), 16, "-0.5"),
        (0x19220, 16, "1.5708"),
        (1, 2, "0.3"),
        (-1, 2, "-0.2"),
        ((1 << 31) - 1, 16, "32767.99998"),
        (-(1 << 63), 0, "-9223372036854775808"),
        (1, 64, "0.00000000000000000005"),
    ],
)
def test_some_texts(number: int, fraction: int, text: str) -> None:
    assert shortest_decimal(number, fraction) == text
