"""The reference against the manual: each rule of the dialect once, in the open."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from looped.reference.subleq import Subleq
from looped.trace import Access, Step


def machine(words: list[int], width: int = 16, memory: int = 32, data: bytes = b"") -> Subleq:
    return Subleq([word % (1 << width) for word in words], width, memory, data)


@given(st.integers(0, 255), st.integers(0, 255))
def test_subtracts_wraps_and_branches_on_the_wrapped_difference(a: int, b: int) -> None:
    m = machine([3, 4, 9, a, b], width=8)
    step = m.step()
    difference = (b - a) % 256
    assert m.memory[4] == difference
    assert m.pc == (9 if difference == 0 or difference > 127 else 3)
    assert step == Step(0, m.pc, (Access(3, a), Access(4, b)), (Access(4, difference),))


def test_operands_are_fetched_before_the_write() -> None:
    m = machine([3, 2, 6, 1])  # rewrites its own c from 6 to 5, and still goes to 6 if ≤ 0
    m.step()
    assert m.memory[2] == 5 and m.pc == 3
    m = machine([3, 2, 6, 6])
    m.step()
    assert m.memory[2] == 0 and m.pc == 6


def test_a_word_subtracted_from_itself_is_zero_and_branches() -> None:
    m = machine([5, 5, 7, 0, 0, 123])
    m.step()
    assert m.memory[5] == 0 and m.pc == 7


def test_minus_one_as_a_reads_a_byte() -> None:
    m = machine([-1, 9, 5, -1, 10, 5], data=b"\xfe")
    assert m.step() == Step(0, 3, (), (Access(9, 254),), consumed=254)
    assert m.step() == Step(3, 6, (), (Access(10, 65535),), consumed=65535)


def test_minus_one_as_b_puts_out_the_low_byte() -> None:
    m = machine([9, -1, 5, 0, 0, 0, 0, 0, 0, 0x1241])
    assert m.step() == Step(0, 3, (Access(9, 0x1241),), (), emitted=0x41)
    assert bytes(m.output) == b"A"


def test_minus_one_twice_reads() -> None:
    m = machine([-1, -1, 0], data=b"x")
    assert m.step() == Step(0, 3, (), (Access(31, 120),), consumed=120)


@pytest.mark.parametrize("pc", [-1, -32768])
def test_a_negative_program_counter_halts(pc: int) -> None:
    m = machine([5, 5, pc])
    m.step()
    assert m.halted


def test_addresses_are_the_low_bits() -> None:
    m = machine([32 + 3, 64 + 4, 6, 2, 7])
    m.step()
    assert m.memory[4] == 5
    m = machine([0, 0, 32, 0])
    m.step()
    assert m.pc == 32 and not m.halted
    m.step()
    assert m.memory[0] == 0


def test_the_program_counter_wraps_into_the_halt() -> None:
    m = Subleq([0] * 128, 8, 128)
    m.pc, m.memory[126], m.memory[127], m.memory[0] = 126, 5, 6, 0
    m.memory[6] = 1
    m.step()
    assert m.pc == 129 and m.halted
