"""What a user sees: whole messages, all of them at once, and never a traceback."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from looped.errors import LoopedError, Source, SourceError
from looped.registry import assemble, assemble_file


def complaint(text: str) -> str:
    with pytest.raises(SourceError) as caught:
        assemble(Source("p.sasm", text))
    return caught.value.render()


def test_the_caret_stands_under_the_exact_token() -> None:
    assert complaint("loop:   jmp loop\n        sub one, lop\none: .word 1\n") == (
        "p.sasm:2:18: error: no label named `lop`\n"
        "    2 |         sub one, lop\n"
        "      |                  ^^^\n"
        "hint: did you mean `loop`, defined at p.sasm:1:1?"
    )


def test_all_errors_are_told_in_the_order_of_the_text() -> None:
    text = "subleq nowhere\nmvo a, b\n.word 70000\n.word 1 2\nx: x: .word 0\n"
    lines = [line for line in complaint(text).splitlines() if "error:" in line]
    assert lines == [
        "p.sasm:1:8: error: no label named `nowhere`",
        "p.sasm:2:1: error: no instruction or macro named `mvo`",
        "p.sasm:3:7: error: 70000 is not a 16-bit word",
        "p.sasm:4:9: error: a comma is missing between two operands",
        "p.sasm:5:4: error: `x` is defined twice",
    ]


SENTENCES = {
    "subleq a,": "p.sasm:1:10: error: an operand is missing",
    "subleq ,a": "p.sasm:1:8: error: an operand is missing",
    "subleq 1+": "p.sasm:1:10: error: an operator lacks its right side",
    "subleq *1": "p.sasm:1:8: error: an operator lacks its left side",
    "subleq (1": "p.sasm:1:10: error: a parenthesis is not closed",
    "subleq 1)": "p.sasm:1:9: error: a parenthesis closes what was not opened",
    "subleq 1 2": "p.sasm:1:10: error: a comma is missing between two operands",
    "17": "p.sasm:1:1: error: a statement begins with a label, a mnemonic or a directive",
    ".macro": "p.sasm:1:7: error: a macro needs a name",
    ".macro m 1\n.endm": "p.sasm:1:10: error: a macro parameter is a name",
    '.word "a" + 1': "p.sasm:1:11: error: text stands where a number is needed",
    ".word 1/0": "p.sasm:1:7: error: division by zero",
    ".word 1 << 999": "p.sasm:1:12: error: a value cannot be shifted by 999 bits",
    ".word 12ab": "p.sasm:1:7: error: `12ab` is not a number",
    ".word " + "9" * 10_000: "p.sasm:1:7: error: this number has 10000 digits",
    "x" * 10_000 + ":": "p.sasm:1:1: error: this name has 10000 characters",
    ".word 'ab'": "p.sasm:1:7: error: this is not a character",
    '.ascii "abc': "p.sasm:1:8: error: this text has no closing quote",
    '.ascii "\\q"': "p.sasm:1:8: error: `\\q` is not an escape",
    ".word é": "p.sasm:1:7: error: `é` has no meaning here",
    ".frob 1": "p.sasm:1:1: error: no directive named `.frob`",
    ".machine z80": "p.sasm:1:10: error: no machine named `z80`",
    ".machine subleq\n.machine rv32i": "p.sasm:2:10: error: this source is already for subleq",
    ".width 12": "p.sasm:1:8: error: subleq has no 12-bit words",
    ".zero -1": "p.sasm:1:7: error: .zero -1 is negative",
    ".zero 99999999999": "p.sasm:1:7: error: the program is longer than 1,048,576 words",
    ".word 1\n.org 0": "p.sasm:2:6: error: .org 0 is less than the address so far, 1",
    ".equ a, b\n.equ b, a\n.word a": "p.sasm:1:6: error: constant `a` depends on itself",
    "subleq 1, 2, 3, 4": "p.sasm:1:1: error: `subleq` takes at most 3 operands",
    "subleq": "p.sasm:1:1: error: `subleq` lacks its operand a",
    "mov 1": "p.sasm:1:1: error: `mov` takes 2 operands, not 1",
    ".endm": "p.sasm:1:1: error: this .endm closes nothing",
    ".macro m\n.word 1": "p.sasm:1:1: error: this .macro has no .endm",
    ".macro m\nm\n.endm\nm": "p.sasm:4:1: error: macro `m` is nested more than 60 deep",
    '.include "none"': "p.sasm:1:10: error: cannot read none: No such file or directory",
    '.include "/"': "p.sasm:1:10: error: / is a directory",
}


@pytest.mark.parametrize("text", SENTENCES, ids=range(len(SENTENCES)))
def test_sentences(text: str) -> None:
    assert complaint(text).splitlines()[0] == SENTENCES[text]


def test_errors_within_a_macro_say_where_it_was_invoked() -> None:
    text = ".macro m x\n.word x, nowhere\n.endm\n.word 1\nm 2\n"
    assert complaint(text) == (
        "p.sasm:2:10: error: no label named `nowhere`\n"
        "    2 | .word x, nowhere\n"
        "      |          ^^^^^^^\n"
        "hint: in the expansion of `m` at p.sasm:5:1"
    )


def test_errors_in_an_argument_point_at_the_argument() -> None:
    text = ".macro m x\n.word x\n.endm\nm nowhere\n"
    assert complaint(text).startswith("p.sasm:4:3: error: no label named `nowhere`\n")


def test_an_include_cycle_is_reported(tmp_path: Path) -> None:
    (tmp_path / "a.sasm").write_text('.include "b.sasm"\n.word 1\n')
    (tmp_path / "b.sasm").write_text('.include "a.sasm"\n')
    with pytest.raises(SourceError, match=r"a\.sasm includes itself"):
        assemble_file(tmp_path / "a.sasm")


@pytest.mark.parametrize(
    "text",
    [
        "(" * 100_000,
        ".word " + "-" * 50_000 + "1",
        ".word " + "1+" * 50_000 + "1",
        ".macro m\nm\nm\n.endm\nm",
        ".macro m x\nm x + x\nm x * 2\n.endm\nm 1",
        ".equ a0, 1\n"
        + "".join(f".equ a{i + 1}, a{i} + a{i}\n" for i in range(300))
        + ".word a300",
        "\n".join(f".equ a{i}, a{i + 1}" for i in range(5000)) + "\n.word a0\n.equ a5000, 1",
        ".macro a0 x\n.word x\n.endm\n"
        + "".join(f".macro a{i + 1} x\na{i} x + x\n.endm\n" for i in range(50))
        + "a50 1",
        ".macro a0\n.word 1\n.endm\n"
        + "".join(f".macro a{i + 1}\n" + f"a{i}\n" * 10 + ".endm\n" for i in range(8))
        + "a8",
        "x: " * 20_000,
        "\x00\x01\x02\xff",
        "'" * 1000,
        "\\",
    ],
    ids=range(13),
)
def test_what_would_exhaust_the_machine_is_refused(text: str) -> None:
    assert complaint(text).startswith("p.sasm:")


def test_a_flood_of_errors_is_cut() -> None:
    rendered = complaint("bad\n" * 1000)
    assert rendered.count("no instruction or macro") == 100
    assert rendered.endswith("error: and 900 more errors")


@given(st.binary(max_size=200))
def test_no_bytes_make_a_traceback(content: bytes) -> None:
    try:
        assemble(Source("p", content.decode("latin-1")))
    except LoopedError as error:
        assert error.render()


PIECES = st.sampled_from(
    ["mov", "x", ":", ",", "(", ")", "+", "-", "1", "'a'", '"t"', ".word", ".macro", ".endm",
     ".once", ".endonce", ".equ", ".org", ".zero", ".include", "@l", "$", ".", "\n", " ", ";"]
)  # fmt: skip


@given(st.lists(PIECES, max_size=40).map(" ".join))
def test_no_arrangement_of_tokens_makes_a_traceback(text: str) -> None:
    try:
        assemble(Source("p", text))
    except LoopedError as error:
        assert error.render()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mov " + "(" * 500, "a parenthesis is not closed"),
        (".word " + "1," * 500, "an operand is missing"),
        (".word " + "1+" * 100, "an operator lacks its right side"),
    ],
)
def test_a_sentence_does_not_depend_on_what_is_around(text: str, message: str) -> None:
    assert complaint(text).splitlines()[0].endswith(f": error: {message}")


def test_includes_that_double_are_refused_soon(tmp_path: Path) -> None:
    for i in range(40):
        (tmp_path / f"{i}.sasm").write_text(f'.include "{i + 1}.sasm"\n' * 2)
    (tmp_path / "40.sasm").write_text("")
    with pytest.raises(SourceError, match="too many files are included, or too large ones"):
        assemble_file(tmp_path / "0.sasm")


@pytest.mark.parametrize(
    "text",
    [
        ".macro m\n.endm\n" * 10_000,
        "".join(f".once m{i}\n.endonce\n" for i in range(5_000)),
        "".join(f"lab{i}: .word lib{i}\n" for i in range(2_000)),
        ".macro m\n" + ".macro n\n.endm\n" * 1000 + ".endm\n" + "m\n" * 1000,
    ],
    ids=range(4),
)
def test_long_sources_take_time_in_proportion(text: str) -> None:
    before = time.process_time()
    assert complaint(text)
    assert time.process_time() - before < 10
