"""Fixed-point words as decimal text: it reads back as the same word, and is as short as can be."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from looped.reference.fleq_text import decimal_text


def read(text: str, fraction: int) -> int:
    """The word that a decimal is rounded to, half up."""
    return math.floor(Fraction(text) * (1 << fraction) + Fraction(1, 2))


@given(st.integers(-(1 << 31), (1 << 31) - 1), st.integers(4, 40))
def test_a_text_reads_back_as_its_word_and_no_shorter_one_does(word: int, fraction: int) -> None:
    text = decimal_text(word, fraction)
    assert read(text, fraction) == word
    decimals = len(text.partition(".")[2])
    for fewer in range(decimals):
        scale = 10**fewer
        nearest = Fraction(
            math.floor(Fraction(word * scale, 1 << fraction) + Fraction(1, 2)), scale
        )
        assert math.floor(nearest * (1 << fraction) + Fraction(1, 2)) != word


@pytest.mark.parametrize(
    ("word", "text"),
    [(0, "0"), (1, "0.00002"), (-1, "-0.00002"), (65536, "1"), (6554, "0.1"), (-32768, "-0.5"),
     ((1 << 31) - 1, "32767.99998"), (-(1 << 31), "-32768"), (21845, "0.33333")],
)  # fmt: skip
def test_texts(word: int, text: str) -> None:
    assert decimal_text(word, 16) == text
