"""Expressions of the debugger against Python's own arithmetic, and their errors."""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from types import SimpleNamespace
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from looped import registry
from looped.debug.expressions import parse
from looped.debug.words import Words
from looped.devices.host import ColumnPort
from looped.errors import Source, SourceError
from looped.image import Image
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


@cache
def _fixed() -> Words:
    """Three words with eight bits after the point: 1.5, -0.25 and 2."""
    words = {0: 0x180, 1: 0xFFFFFFC0, 2: 0x200}
    plan = SimpleNamespace(parameters={"fraction": 8}, registers=())
    port = SimpleNamespace(plan=plan, size=4, memory=lambda index: words.get(index, 0))
    symbols = {"a": 0, "b": 1, "two": 2}
    return Words(Image("fleq", 32, (0,) * 4, symbols), cast(ColumnPort, port))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("*a", 1.5),
        ("*b", -0.25),
        ("*a > 1.25 && *a <= 1.5", 1),
        ("*a == 1.5", 1),
        ("*b != -0.25", 0),
        ("*a + *b * 2", 1),
        ("*two / 3 * 3 == 2", 1),
        ("7 / 2", 3),
        ("7 / 2.0", 3.5),
        ("*(a + 1)", -0.25),
        ("mem[*two]", 2),
        ("*two & 3", 2),
        ("*a % 1", 0.5),
        ("a == 0x100000000", 1),
    ],
)
def test_fixed_point_numbers_are_what_people_see(text: str, value: float) -> None:
    assert parse(text)(_fixed()) == value


@pytest.mark.parametrize(
    ("text", "message"),
    [("*a & 1", "needs whole numbers"), ("mem[*a]", "1.5 is not an address")],
)
def test_fractions_are_neither_bits_nor_addresses(text: str, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        parse(text)(_fixed())


@given(st.integers(-(1 << 31), (1 << 31) - 1))
def test_a_number_is_set_as_it_is_shown(word: int) -> None:
    words = _fixed()
    assert words.encoded(Fraction(word, 256)) == word % (1 << 32)
    assert words.encoded(Fraction(1 << 31, 256)) is None


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
    assert words.label(4 * len(words.image.words)) is None, "that is outside the program"


def test_constants_name_no_address() -> None:
    program = registry.assemble(
        Source("program.s", ".machine rv32i\n.equ SIZE, 6\nstart: nop\nnop\nend: nop\n")
    )
    assert program.constants == {"SIZE"} and program.labels == {"start": 0, "end": 8}
    words = Words(program, debugger(CALLS).timeline.port)
    assert words.label(4) == "start+4" and words.symbol("SIZE") == 6
