"""What the bits of a word stand for."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from looped.number_format import ADDRESS, CODE, FLAG, SIGNED, UNSIGNED, NumberFormat, WordKind


@given(st.integers(1, 64), st.data())
def test_a_number_has_one_word(width: int, data: st.DataObject) -> None:
    bits = data.draw(st.integers(0, width))
    kind = data.draw(st.sampled_from([WordKind.SIGNED, WordKind.UNSIGNED]))
    word = data.draw(st.integers(0, (1 << width) - 1))
    number = NumberFormat(kind, bits).number(word, width)
    assert number * (1 << bits) % (1 << width) == word
    least = -Fraction(1 << (width - 1)) if kind is WordKind.SIGNED else Fraction(0)
    assert least <= number * (1 << bits) < least + (1 << width)


def test_numbers() -> None:
    assert [f.number(0xFF, 8) for f in (SIGNED, UNSIGNED, ADDRESS, CODE)] == [-1, 255, 255, 255]
    assert NumberFormat(WordKind.SIGNED, 4).number(0xE8, 8) == Fraction(-3, 2)


@pytest.mark.parametrize(
    ("number", "width", "fits"),
    [
        (FLAG, 1, True),
        (FLAG, 2, False),
        (SIGNED, 1, True),
        (NumberFormat(WordKind.UNSIGNED, 8), 8, True),
        (NumberFormat(WordKind.UNSIGNED, 9), 8, False),
        (NumberFormat(WordKind.SIGNED, -1), 8, False),
        (NumberFormat(WordKind.ADDRESS, 1), 8, False),
    ],
)
def test_what_fits_a_width(number: NumberFormat, width: int, fits: bool) -> None:
    assert number.fits(width) is fits
