"""Classes of columns that an MLP tells apart by their static lanes."""

from __future__ import annotations

import numpy as np

from looped.analysis.kinds import columns_by_class
from tests.analysis.test_restricted import LANES, mlp


def test_columns_with_equal_static_lanes_are_a_class() -> None:
    block = mlp(2)
    block.gate[0, 0] = 1
    static = np.zeros(LANES, np.bool_)
    static[0] = True
    x = np.ones((6, LANES), np.int8)
    x[[1, 4], 0] = -1
    classes, member = columns_by_class(block, static, x)
    assert [known[0] for known in classes] == [1, -1]
    assert not np.array(classes)[:, 1:].any()
    assert member.tolist() == [0, 1, 0, 0, 1, 0]


def test_too_many_classes_are_one_of_which_nothing_is_known() -> None:
    block = mlp(3)
    block.gate[:] = 1
    x = np.array([[2 * (c >> i & 1) - 1 for i in range(LANES)] for c in range(16)], np.int8)
    classes, member = columns_by_class(block, np.ones(LANES, np.bool_), x)
    assert classes == ((0,) * LANES,)
    assert not member.any()
