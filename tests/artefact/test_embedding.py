"""Words become lanes and lanes become words, unsigned, in every width."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from looped.artefact.embedding import embed, embed_words, memory_words, read_word
from tests.conftest import compiled

WORDS = st.integers(1, 64).flatmap(
    lambda width: st.tuples(st.just(width), st.lists(st.integers(0, (1 << width) - 1), max_size=5))
)


@given(WORDS)
def test_lanes_are_the_bits_of_a_word(case: tuple[int, list[int]]) -> None:
    width, words = case
    lanes = embed_words(words, width)
    assert lanes.shape == (len(words), width) and lanes.dtype == np.int8
    assert lanes.tolist() == [[2 * (word >> i & 1) - 1 for i in range(width)] for word in words]
    assert read_word(lanes).tolist() == words


def test_memory_holds_the_words_of_a_program_and_then_zeros() -> None:
    plan = compiled("subleq", 32, 32).plan
    words = [0xFFFFFFFF, 1 << 31, 7]
    assert memory_words(embed(words, plan), plan).tolist() == [*words, *[0] * 29]
