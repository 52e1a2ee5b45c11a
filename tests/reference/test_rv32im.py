"""The M extension of the reference against the specification: each rule once, in the open."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from looped.isa.rv32i import encode
from looped.isa.rv32im import INSTRUCTIONS
from looped.reference.rv32im import Rv32im
from looped.trace import Access, Step

BIG, ONES = 0x80000000, 0xFFFFFFFF
WORDS = st.integers(0, ONES)


def hart(mnemonic: str, a: int, b: int, rd: int = 3) -> Rv32im:
    one = Rv32im([encode(mnemonic, rd, 1, 2, instructions=INSTRUCTIONS)], 32, 32)
    one.x[1:3] = [a, b]
    return one


def result(mnemonic: str, a: int, b: int) -> int:
    one = hart(mnemonic, a, b)
    assert one.step() == Step(0, 4, registers=(Access(3, one.x[3]),))
    return one.x[3]


@pytest.mark.parametrize(
    ("mnemonic", "a", "b", "expected"),
    [
        ("mul", 0x12345678, 0x10001, 0x68AC5678),
        ("mul", ONES, ONES, 1),
        ("mulh", ONES, ONES, 0),
        ("mulh", BIG, BIG, 0x40000000),
        ("mulhsu", ONES, ONES, ONES),
        ("mulhsu", BIG, 2, ONES),
        ("mulhu", ONES, ONES, 0xFFFFFFFE),
        ("mulhu", BIG, 2, 1),
        ("div", -7 & ONES, 2, -3 & ONES),
        ("rem", -7 & ONES, 2, ONES),
        ("div", 7, -2 & ONES, -3 & ONES),
        ("rem", 7, -2 & ONES, 1),
        ("divu", -8 & ONES, 2, 0x7FFFFFFC),
        ("remu", -7 & ONES, 2, 1),
        ("div", 5, 0, ONES),
        ("div", -5 & ONES, 0, ONES),
        ("rem", -5 & ONES, 0, -5 & ONES),
        ("divu", 5, 0, ONES),
        ("remu", 5, 0, 5),
        ("div", BIG, ONES, BIG),
        ("rem", BIG, ONES, 0),
    ],
)
def test_results(mnemonic: str, a: int, b: int, expected: int) -> None:
    assert result(mnemonic, a, b) == expected


@given(WORDS, WORDS)
def test_a_dividend_is_quotient_times_divisor_plus_remainder(a: int, b: int) -> None:
    for div, rem in (("div", "rem"), ("divu", "remu")):
        whole = result("mul", result(div, a, b), b) + result(rem, a, b)
        assert whole & ONES == a


@given(WORDS, WORDS)
def test_high_parts_differ_by_the_operands_whose_sign_counts(a: int, b: int) -> None:
    minus_b = b if a & BIG else 0
    assert result("mulhsu", a, b) == result("mulhu", a, b) - minus_b & ONES
    assert result("mulh", a, b) == result("mulhsu", a, b) - (a if b & BIG else 0) & ONES


def test_x0_stays_zero() -> None:
    one = hart("mul", 5, 5, rd=0)
    assert one.step() == Step(0, 4)
    assert one.x[0] == 0
