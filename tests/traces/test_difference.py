"""The first difference: which step, which word, which bit, and what it says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from looped.traces.difference import Agreement, Difference, compare
from looped.traces.record import Read, Record, RegisterWrite, Write
from tests.traces.records import record

STEP = record(
    2, reads=(Read(9, 1),), writes=(Write(17, 4, 5),), registers=(RegisterWrite(3, 0, 6),)
)


@given(st.integers(0, 9))
def test_equal_traces(count: int) -> None:
    trace = [record(step) for step in range(1, count + 1)]
    assert compare(trace, iter(trace), False) == Agreement(count)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"writes": (Write(17, 4, 13),)}, "mem[17] bit 3: A wrote 5, B wrote 13"),
        ({"writes": (Write(17, 6, 5),)}, "mem[17] bit 1: A had 4, B had 6"),
        ({"writes": (Write(18, 4, 5),)}, "writes: A wrote mem[17], B wrote mem[18]"),
        ({"writes": ()}, "writes: A wrote mem[17], B wrote nothing else"),
        ({"reads": (Read(9, 3),)}, "mem[9] bit 1: A read 1, B read 3"),
        ({"registers": (RegisterWrite(3, 0, 7),)}, "x3 bit 0: A wrote 6, B wrote 7"),
        ({"pc": 14}, "pc bit 3: A is at 6, B is at 14"),
        ({"next_pc": 8}, "pc bit 0: A continues at 9, B continues at 8"),
        ({"code": (1, 6, 3)}, "word 1 of the instruction at 6, bit 2: A has 2, B has 6"),
        ({"input": 7}, "input: A took nothing, B took 7"),
        ({"output": "x"}, "output: A wrote nothing, B wrote 'x'"),
        ({"trap": 2}, "trap: A raised nothing, B raised 2"),
    ],
)
def test_each_kind_of_difference(other: dict[str, object], message: str) -> None:
    fields = {name: getattr(STEP, name) for name in ("reads", "writes", "registers")}
    second = record(2, **{**fields, **other})
    found = compare([record(1), STEP], [record(1), second], False)
    assert isinstance(found, Difference)
    assert str(found) == f"step 2: {message} (a.sasm:2)"
    assert found.before == (record(1),) and found.records == (STEP, second)


def test_what_does_not_count() -> None:
    """The count of loops, the text and the source line follow from other things."""
    other = record(1, loop=5, text="other", source="b.sasm:7")
    assert compare([record(1)], [other], False) == Agreement(1)


def test_a_trace_that_ends() -> None:
    found = compare([record(1), record(2)], [record(1)], True)
    assert str(found) == "step 2: A continues at 0x6, B ends before it (a.sasm:2)"
    assert (
        str(compare([], [record(1)], False))
        == "step 1: A ends before it, B continues at 3 (a.sasm:1)"
    )


def test_the_sources_of_both_programs_are_named() -> None:
    found = compare([record(1)], [record(1, pc=9, source="b.sasm:4")], True)
    assert str(found) == "step 1: pc bit 1: A is at 0x3, B is at 0x9 (a.sasm:1 and b.sasm:4)"


@given(st.integers(0, 8), st.integers(1, 255))
def test_the_first_of_many_differences(place: int, flip: int) -> None:
    a = [record(step, writes=(Write(4, 0, 170),)) for step in range(1, 11)]
    b = [*a[:place], *(changed(each, flip) for each in a[place:])]
    found = compare(a, b, False)
    assert isinstance(found, Difference) and found.step == place + 1
    assert found.place == f"mem[4] bit {(flip & -flip).bit_length() - 1}"


def changed(each: Record, flip: int) -> Record:
    return record(each.step, writes=(Write(4, 0, 170 ^ flip),))
