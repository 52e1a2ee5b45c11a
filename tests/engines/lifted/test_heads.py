"""Which column others attend to, and which the driver captures, on heads made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from looped.engines.lifted.heads import head_targets
from looped.engines.lifted.model import Head
from looped.errors import CompileError

KNOWN = np.array([[1, 1, 0, 1, 1], [1, -1, -1, 1, -1], [-1, 1, -1, 1, -1]], np.int8)
"""Lanes of the driver, which comes first, and of two others; the driver's lane 2 is free."""

QUERY = np.array([[1, 0, 0, 1, 0], [0, 0, 0, 5, 5], [-1, 0, 0, 1, 0]], float)
"""Column 1 asks in dimension 0, the driver finds itself by 1, column 2 finds itself by 2."""


def head(*key: int) -> Head:
    """In dimension 0 the keys are 2 ± 2 for the driver and whatever `key` makes of the others."""
    return Head(
        QUERY, np.array([key, [0, 0, 0, 1, 1], [-1, 0, 0, 1, 0]], float), {1: {2: 1.0}}, 2, 0
    )


def test_a_column_that_finds_itself_may_be_captured() -> None:
    seen = head_targets(head(1, 0, 2, 2, -1), KNOWN, 0)  # 2 for column 1, 0 for column 2
    assert seen.targets.tolist() == [0, 1, 2]
    assert seen.capture is not None and sorted(seen.capture.table.tolist()) == [-1, 1]


def test_a_column_that_finds_another_may_not() -> None:
    """What is taken away from it when it is captured is not its own."""
    with pytest.raises(CompileError, match="can be captured does not attend to itself otherwise"):
        head_targets(head(-1, 0, 2, 3, 0), KNOWN, 0)  # 0 for column 1, 2 for column 2
