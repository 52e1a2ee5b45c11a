"""Graphs of any code leave what its machine code leaves, and count its passes as that does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from looped.engines.lifted.code import Code
from looped.engines.lifted.native import Native, compile_code
from looped.engines.lifted.specialised import Effort, SharedUnits, Specialiser
from tests.conftest import examples
from tests.engines.lifted.specialised.test_fold import codes

WIDTHS = (3, 1, 2, 40)
"""A word that chooses what is fetched, two words of flags, and data."""

EAGER = Effort(patience=1, recurrences=1, share=0, beside=False)


def specialiser_of(code: Code, native: Native, effort: Effort) -> Specialiser:
    """A specialiser with units of its own."""
    return Specialiser(native, lambda masks: SharedUnits(lambda: code, WIDTHS, 16, masks, effort))


@examples(0.12)
@given(code=codes(WIDTHS, fetch=True), data=st.data())
def test_any_code(code: Code, data: st.DataObject) -> None:
    native = compile_code(code, 16, len(WIDTHS))
    plain = np.array([data.draw(st.integers(0, (1 << w) - 1)) for w in WIDTHS], np.uint64)[:, None]
    cells = np.array([data.draw(st.integers(0, 0xFFFF)) for _ in range(9)], np.uint16)
    special, copied = plain.copy(), cells.copy()
    stops, quiet = np.zeros(4, np.uint64), np.zeros(4, np.uint64)
    stops[1], quiet[2] = data.draw(st.integers(0, 1)), data.draw(st.integers(0, 3))
    specialiser = specialiser_of(code, native, EAGER)
    for loops in data.draw(st.lists(st.integers(1, 60), min_size=2, max_size=6)):
        found = specialiser.run(special, copied, (stops, quiet), loops)
        if found[0] < loops and not found[1] and not (special[:, 0] & stops).any():
            return  # as many passes that do not count as one call makes
        assert native.run(plain, cells, stops, loops, quiet) == found
        np.testing.assert_array_equal(plain, special)
        np.testing.assert_array_equal(cells, copied)


def ring(limit: int) -> Code:
    """Counts the words 0 (three bits) and 3 up, notes the latter in the cell that the former
    chooses, and abandons the pass in which the latter is `limit`. Word 1 is bit 3 of the cell 8;
    word 2 is 1 in every fourth pass, and where word 0 is 5 if bit 4 of the cell 8 is."""
    code = Code()
    place, _, _, count = (code.emit("state", number=n) for n in range(4))
    one = code.const(1)
    code.emit("load", place)
    code.emit("store", place, code.mask(count, 0xFFFF))
    code.emit("guard", code.emit("equal", count, code.const(limit)))
    onward = code.mask(code.plus(place, one), 7)
    flag = code.emit("equal", code.mask(place, 3), code.const(2))
    held = code.emit("load", code.plus(code.const(8), code.mask(count, 0)))
    bit = code.mask(code.shift(held, -3), 1)
    fifth = code.emit("equal", place, code.const(5))
    flag = code.either(flag, code.both(fifth, code.shift(held, -4)))
    code.following = [onward, bit, flag, code.mask(code.plus(count, one), (1 << 40) - 1)]
    return code


@pytest.mark.parametrize("quiet", [0, 1])
@pytest.mark.parametrize("loops", [3, 1000])
def test_an_abandoned_pass_leaves_no_trace(quiet: int, loops: int) -> None:
    code = ring(2000)
    native = compile_code(code, 16, len(WIDTHS))
    plain, special = np.zeros((4, 1), np.uint64), np.zeros((4, 1), np.uint64)
    cells = np.zeros(9, np.uint16)
    copied = cells.copy()
    masks = np.array([0, 1, 0, 0], np.uint64), np.array([0, 0, quiet, 0], np.uint64)
    specialiser = specialiser_of(code, native, replace(EAGER, patience=5))
    found = 0, False
    while not found[1]:
        found = specialiser.run(special, copied, masks, loops)
        assert native.run(plain, cells, masks[0], loops, masks[1]) == found
        np.testing.assert_array_equal(plain, special)
        np.testing.assert_array_equal(cells, copied)
    assert int(special[3, 0]) == 2000
    assert len(specialiser.units)


def test_a_graph_ends_with_the_pass_that_stops() -> None:
    code = ring(1 << 39)
    native = compile_code(code, 16, len(WIDTHS))
    state, cells = np.zeros((4, 1), np.uint64), np.zeros(9, np.uint16)
    masks = np.array([0, 1, 0, 0], np.uint64), np.array([0, 0, 1, 0], np.uint64)
    specialiser = specialiser_of(code, native, replace(EAGER, patience=5))
    assert specialiser.run(state, cells, masks, 3000) == (3000, False)
    cells[8] = 8
    assert specialiser.run(state, cells, masks, 3000) == (1, False)
    assert specialiser.run(state, cells, masks, 3000) == (1, False)
    cells[8] = 0
    assert specialiser.run(state, cells, masks, 3000) == (3000, False)


def test_a_pass_that_leaves_an_unknown_state_counts_as_ever() -> None:
    code = ring(1 << 39)
    native = compile_code(code, 16, len(WIDTHS))
    state, cells = np.zeros((4, 1), np.uint64), np.zeros(9, np.uint16)
    masks = np.array([0, 1, 0, 0], np.uint64), np.array([0, 0, 1, 0], np.uint64)
    specialiser = specialiser_of(code, native, replace(EAGER, patience=5))
    assert specialiser.run(state, cells, masks, 3000) == (3000, False)
    copied, other = state.copy(), cells.copy()
    for bits, loops in ((16, 20), (0, 7)):
        cells[8] = other[8] = bits
        assert specialiser.run(state, cells, masks, loops) == native.run(
            copied, other, masks[0], loops, masks[1]
        )
        np.testing.assert_array_equal(copied, state)
