"""Graphs of any code leave what its machine code leaves, and count its passes as that does."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from looped.engines.lifted.code import Code
from looped.engines.lifted.native import compile_code
from looped.engines.lifted.specialised import Effort, Specialiser
from tests.conftest import examples
from tests.engines.lifted.specialised.test_fold import codes

WIDTHS = (3, 1, 2, 40)
"""A word that chooses what is fetched, two words of flags, and data."""

EAGER = Effort(patience=1, recurrences=1, share=0)


@examples(0.3)
@given(code=codes(WIDTHS, fetch=True), data=st.data())
def test_any_code(code: Code, data: st.DataObject) -> None:
    native = compile_code(code, 16, len(WIDTHS))
    plain = np.array([data.draw(st.integers(0, (1 << w) - 1)) for w in WIDTHS], np.uint64)[:, None]
    cells = np.array([data.draw(st.integers(0, 0xFFFF)) for _ in range(9)], np.uint16)
    special, copied = plain.copy(), cells.copy()
    stops, quiet = np.zeros(4, np.uint64), np.zeros(4, np.uint64)
    stops[1], quiet[2] = data.draw(st.integers(0, 1)), data.draw(st.integers(0, 3))
    specialiser = Specialiser(native, WIDTHS, lambda: code, EAGER)
    for loops in data.draw(st.lists(st.integers(1, 60), min_size=2, max_size=6)):
        found = specialiser.run(special, copied, (stops, quiet), loops)
        if found[0] < loops and not found[1] and not (special[:, 0] & stops).any():
            return  # as many passes that do not count as one call makes
        assert native.run(plain, cells, stops, loops, quiet) == found
        np.testing.assert_array_equal(plain, special)
        np.testing.assert_array_equal(cells, copied)
