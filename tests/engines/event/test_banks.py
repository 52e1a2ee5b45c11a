"""Banks: what the tables add up to is the matrix times the lanes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from looped.analysis.restricted import Form
from looped.engines.event.banks import BankBuilder, Banks, pack, padded, unpack
from tests import seeds


def add_up(banks: Banks, number: int, words: np.ndarray, size: int) -> np.ndarray:
    """The forms of a bank by the definition of its chunks."""
    sums = np.zeros(size, np.int64)
    for i in range(int(banks.start[number]), int(banks.start[number + 1])):
        word, shift, mask, first, count, offset = (int(v) for v in banks.chunk[i])
        row = offset + (int(words[word]) >> shift & mask) * count
        sums[first : first + count] += banks.table[row : row + count]
    return sums


@given(seed=st.integers(0, 10**6), width=st.integers(1, 150), forms=st.integers(1, 20))
def test_the_forms_of_a_bank_are_the_matrix_times_the_lanes(
    seed: int, width: int, forms: int
) -> None:
    rng = seeds.generator(seed)
    parts = [
        Form(
            rng.integers(-9, 10, (forms, width)) * (rng.random((forms, width)) < 0.3),
            rng.integers(-3, 4, forms),
        )
        for _ in range(2)
    ]
    builder = BankBuilder()
    numbers = [builder.add(parts[0]), builder.add(*parts)]
    banks = builder.finish()
    for x in rng.choice([-1, 1], (5, width)):
        words = pack(x[None] > 0)[0]
        expected = [part.matrix @ x + part.constant for part in parts]
        alone = add_up(banks, numbers[0], words, padded(forms))
        assert alone[:forms].tolist() == expected[0].tolist()
        second = add_up(banks, numbers[1], words, 2 * padded(forms))[padded(forms) :]
        assert second[:forms].tolist() == expected[1].tolist()


@pytest.mark.parametrize("width", [1, 63, 64, 65, 138])
def test_packed_lanes_are_the_lanes(width: int) -> None:
    x = seeds.generator(width).choice([-1, 1], (7, width)).astype(np.int8)
    words = pack(x > 0)
    assert words.shape == (7, -(-width // 64))
    assert (unpack(words, width) == x).all()
