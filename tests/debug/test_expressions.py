"""Expressions of the debugger against Python's own arithmetic, and their errors."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from looped.debug.expressions import parse
from looped.debug.words import Words
from looped.errors import SourceError
from tests.debug.sessions import ADDER, CALLS, debugger

leaves = st.integers(0, 300).map(str)


@cache
def _words() -> Words:
    return debugger(CALLS).words


def _both(part: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pair = st.tuples(part, st.sampled_from(["+", "-", "*", "&", "|", "^"]), part)
    return st.one_of(pair.map(lambda p: f"({p[0]} {p[1]} {p[2]})"), part.map(lambda p: f"-{p}"))


@given(st.recursive(leaves, _both, max_leaves=8))
def test_arithmetic_is_that_of_python(text: str) -> None:
    assert parse(text)(_words()) == eval(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1 + 2 * 3", 7),
        ("7 - 2 - 1", 4),
        ("-7 / 2", -3),
        ("-7 % 2", -1),
        ("1 << 4 >> 2", 4),
        ("0x10 + 0b11", 19),
        ("2 < 3 && 3 <= 3 || 0", 1),
        ("!(1 == 1)", 0),
        ("-1 == 0xffffffff", 1),
        ("-1 < 0xffffffff", 1),
        ("$pc", 0),
        ("$sp", 0),
        ("double == start + 32", 1),
    ],
)
def test_values(text: str, value: int) -> None:
    assert parse(text)(_words()) == value


def test_words_are_signed_and_addresses_wrap() -> None:
    run = debugger(ADDER, bytes([200]))
    run.add_watchpoint("*sum", parse("*sum"))
    run.resume()
    assert parse("*sum")(run.words) == 56 == parse("mem[sum + 256]")(run.words)


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("1 +", 3, "not an expression"),
        ("", 1, "not an expression"),
        ("1 ! 2", 3, "not an expression"),
        ("doubel", 1, "did you mean `double`"),
        ("1 + $a9", 6, "no register named `$a9`"),
        ("4 / (2 - 2)", 3, "division by zero"),
        ("1 << -1", 3, "negative"),
    ],
)
def test_errors_say_where(text: str, column: int, message: str) -> None:
    with pytest.raises(SourceError) as caught:
        parse(text)(_words())
    assert message in caught.value.render()
    assert f"expression:1:{column}:" in caught.value.render()


def test_labels() -> None:
    words = debugger(CALLS).words
    double = words.image.symbols["double"]
    assert words.label(double) == "double" and words.label(double + 4) == "double+4"
