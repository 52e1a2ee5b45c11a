"""Answers to queries are the best columns, and the bound on the rest holds for all others."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from looped.analysis.classes import row_classes
from looped.analysis.keys import NOBODY, key_codes
from looped.errors import CompileError
from tests import seeds


@given(seed=st.integers(0, 10**6), columns=st.integers(1, 12), bits=st.integers(0, 4))
def test_no_other_column_scores_above_the_rest(seed: int, columns: int, bits: int) -> None:
    rng = seeds.generator(seed)
    keys = np.concatenate(
        [rng.choice([-3, 3], (columns, bits)), rng.integers(-1, 2, (columns, 2))], axis=1
    ).astype(float)
    queries = rng.integers(-2, 3, (20, bits + 2)).astype(float)
    members = np.arange(columns)
    answers = key_codes(keys, members, 20).answer(queries)
    scores = queries @ keys.T
    for row, column, best, rest in zip(
        scores, answers.column, answers.best, answers.rest, strict=True
    ):
        if column == NOBODY:
            assert row.max() <= rest
        else:
            assert row[column] == best
            assert np.delete(row, column).max(initial=-np.inf) <= rest


def test_a_query_with_a_column_of_its_own_leads_by_a_whole_dimension() -> None:
    keys = np.array([[x, y] for x in (-1.0, 1.0) for y in (-1.0, 1.0)])
    answers = key_codes(keys, np.arange(4), 20).answer(5 * keys)
    assert answers.column.tolist() == [0, 1, 2, 3]
    assert (answers.best - answers.rest).tolist() == [10.0] * 4


def test_equal_keys_win_nothing() -> None:
    answers = key_codes(np.ones((2, 1)), np.arange(2), 20).answer(np.ones((1, 1)))
    assert answers.column.tolist() == [NOBODY]


def test_codes_of_too_many_bits_are_refused() -> None:
    with pytest.raises(CompileError, match="codes of 3 bits, more than 2"):
        key_codes(np.ones((2, 3)), np.arange(2), 2)


def test_too_many_groups_are_refused() -> None:
    with pytest.raises(CompileError, match="more than 64 groups"):
        key_codes(np.arange(65.0)[:, None], np.arange(65), 20)


def test_classes_are_equal_rows_in_the_order_of_appearance() -> None:
    rows = np.array([[1, 0], [0, 1], [1, 0], [0, 0], [0, 1]])
    classes = row_classes(rows, 3)
    assert classes is not None
    assert [members.tolist() for members in classes] == [[0, 2], [1, 4], [3]]
    assert row_classes(rows, 2) is None
    assert row_classes(rows[:0], 2) == []
