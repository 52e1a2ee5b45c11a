"""What a user of the FLEQ dialect sees: whole messages, all at once, never a traceback."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from looped.errors import LoopedError, Source, SourceError
from looped.lang.fleq.parser import _SENTENCES
from tests.programs.fleq import assemble

DATA = """
.zeros A 2x3
.zeros B 4x2
.zeros C 3x3
.zeros D 20x4
.zeros x 1x3
.scalar s 1
.equ K 2
"""


def complaint(text: str) -> str:
    with pytest.raises(SourceError) as caught:
        assemble(Source("p.fleq", text))
    return caught.value.render()


def test_shapes_that_do_not_fit_name_both_shapes_and_both_places() -> None:
    assert complaint(".zeros A 2x3\n.zeros C 3x3\n  add A, 1 -> C\n") == (
        "p.fleq:3:7: error: `A` (2x3) does not fit `C` (3x3)\n"
        "    3 |   add A, 1 -> C\n"
        "      |       ^\n"
        "hint: rows and columns are equal or 1; `A` is declared at p.fleq:1:8, "
        "`C` is declared at p.fleq:2:8"
    )


def test_products_that_do_not_fit_name_all_shapes_and_places() -> None:
    assert complaint(".zeros A 2x3\n.zeros B 4x2\n.zeros C 3x3\nmatmul A, B -> C\n") == (
        "p.fleq:4:11: error: `A` (2x3) has 3 columns and `B` (4x2) has 4 rows\n"
        "    4 | matmul A, B -> C\n"
        "      |           ^\n"
        "hint: `A` is declared at p.fleq:1:8, `B` is declared at p.fleq:2:8"
    )
    assert complaint(".zeros A 2x3\n.zeros C 3x3\nmatmul A, A' -> C\n") == (
        "p.fleq:3:17: error: the product of `A` (2x3) and `A'` (3x2) is 2x2, not `C` (3x3)\n"
        "    3 | matmul A, A' -> C\n"
        "      |                 ^\n"
        "hint: `A` is declared at p.fleq:1:8, `C` is declared at p.fleq:2:8"
    )


def test_an_instruction_that_depends_on_the_workers_is_refused() -> None:
    assert complaint(".zeros C 3x3\nmatmul C, C -> C\n") == (
        "p.fleq:2:16: error: `matmul` reads `C` where it has stored its result already\n"
        "    2 | matmul C, C -> C\n"
        "      |                ^\n"
        "hint: the number of workers would decide; store into another matrix, then copy"
    )


MESSAGES = {
    "frob A -> C": "1:1: error: no instruction named `frob`",
    "add A -> C": "1:1: error: `add` takes 2 operands, not 1",
    "halt s": "1:1: error: `halt` takes no operands, not 1",
    "matmul A, A'": "1:1: error: `matmul` needs a result",
    "print A -> C": "1:1: error: `print` has no result",
    "halt if s <= 0 goto l": "1:1: error: `halt` has no condition of its own",
    "next A if s <= 0 goto l": "1:1: error: `next` has no condition",
    "copy Q -> C": "1:6: error: no matrix named `Q`",
    "jmp nowhere": "1:5: error: no label named `nowhere`",
    "jmp A": "1:5: error: `A` is a matrix, and a label is needed",
    "jmp 1": "1:5: error: a branch goes to a label",
    "l: copy l -> C": "1:9: error: `l` is a label, and a matrix is needed",
    "copy A -> C'": "1:11: error: a result is a matrix or a part of one, as it lies in memory",
    "copy A -> 1": "1:11: error: a result is a matrix or a part of one, as it lies in memory",
    "l: jle A, l": "1:8: error: a branch judges one number, not `A` (2x3)",
    "l: copy s -> s if s <= 1 goto l": "1:24: error: a branch compares with 0",
    "print D": "1:7: error: `D` (20x4) is too large: at most 8 rows and columns",
    "copy A[2] -> x": "1:8: error: `A` is 2x3: it has no row 2",
    "copy A[0, 3] -> s": "1:11: error: `A` is 2x3: it has no column 3",
    "copy A[-1] -> x": "1:8: error: `A` is 2x3: it has no row -1",
    "copy A[1:3] -> A": "1:10: error: `A` is 2x3: it has no row 3",
    "copy A[1:1] -> x": "1:8: error: this slice has no rows",
    "copy A[0.5] -> x": "1:8: error: 0.5 is not a whole number",
    "copy A[n] -> x": "1:8: error: no constant named `n`",
    "copy K' -> s": "1:6: error: `K` is a constant: it has no index and no transpose",
    "copy A[*,*] -> s": "1:6: error: a pointer moves by rows or by columns, not both",
    "next A": "1:6: error: no pointer walks through `A`",
    "next A[0]": "1:6: error: pointers walk through a whole matrix",
    "copy C' -> C": "1:12: error: `copy` reads `C` where it has stored its result already",
    "copy C[0:2] -> C[1:3]": "1:16: error: `copy` reads `C` where it has stored its result already",
    "add x, C[2] -> C[2, 1:3]": "1:5: error: `x` (1x3) does not fit `C[2, 1:3]` (1x2)",
    "transpose A -> A": "1:16: error: the transpose of `A` (2x3) is 3x2, not `A` (2x3)",
    "dot A, x -> s": "1:5: error: `A` (2x3) is no vector: one row or one column",
    "dot x, B[:, 0] -> s": "1:8: error: `x` (1x3) and `B[:, 0]` (4x1) differ in length",
    "dot x, x -> A": "1:13: error: a dot product is one number, not `A` (2x3)",
    "outer x, x -> A": "1:15: error: the outer product of `x` (1x3) and `x` (1x3) is 3x3, "
    "not `A` (2x3)",
    "copy 1e9999 -> s": "1:6: error: `1e9999` is not a number",
    "copy 12ab -> s": "1:6: error: `12ab` is not a number",
    f"copy {'1' * 200} -> s": "1:6: error: a number of 200 characters",
    f"{'n' * 300}: halt": "1:1: error: a name of 300 characters",
    ".matrix M 2x2 1 2 3": "1:9: error: `M` is 2x2: it takes 4 numbers, not 3",
    ".matrix M 2x9": "1:11: error: `M` is 2x9: a row has at most 8 columns",
    ".matrix M 1x2 1 2x2": "1:17: error: a shape stands where a number is needed",
    ".matrix M 1x2 1 m": "1:17: error: no constant named `m`",
    ".matrix A 1x1 1": "2:8: error: `A` is defined twice",
    ".scalar M": "1:1: error: this is not how .scalar is used",
    ".eye M 2x3": "1:8: error: an identity is square, not 2x3",
    ".random M 2x2": "1:1: error: this is not how .random is used",
    ".random M 2x2 1.5": "1:15: error: 1.5 is not a whole number",
    ".zeros M 2x2 1": "1:1: error: this is not how .zeros is used",
    ".zeros M 0x3": "1:10: error: `0x3` is not a shape",
    ".zeros M 999999x8": "1:10: error: the program is longer than 1,048,576 words",
    ".frob 1": "1:1: error: no directive named `.frob`",
    ".equ a b": "1:8: error: no constant named `b`",
    ".side 3": "1:7: error: fleq has no side of 3",
    ".width 16": "1:8: error: fleq has no 16-bit words",
    ".fraction 30": "1:11: error: a 32-bit word cannot have 30 fraction bits",
    ".fraction": "1:1: error: .fraction needs one whole number",
    ".machine 1": "1:1: error: .machine needs a name",
    "1 2 3": "1:1: error: these numbers belong to no matrix",
    "l: l: halt": "1:4: error: `l` is defined twice",
    "add é, 1 -> s": "1:5: error: `é` has no meaning here",
}


@pytest.mark.parametrize("text", MESSAGES)
def test_messages(text: str) -> None:
    assert complaint(text + DATA).splitlines()[0] == f"p.fleq:{MESSAGES[text]}"


@pytest.mark.parametrize("sentence", _SENTENCES)
def test_syntax_errors_are_the_sentences_of_their_examples(sentence: str) -> None:
    for line in _SENTENCES[sentence]:
        first = complaint(line).splitlines()[0]
        assert first.endswith(f": error: {sentence}"), line


def test_a_similar_name_is_suggested() -> None:
    assert complaint("jmp lop\nloop: halt").splitlines()[-1] == (
        "hint: did you mean `loop`, defined at p.fleq:2:1?"
    )


def test_all_errors_come_in_the_order_of_the_text() -> None:
    text = "add a b -> c\ncopy Q -> s\n.scalar s 99999\n.side 8\nfrob\ns: halt\n"
    lines = [line for line in complaint(text).splitlines() if "error:" in line]
    assert lines == [
        "p.fleq:1:7: error: a comma is missing between two operands",
        "p.fleq:2:6: error: no matrix named `Q`",
        "p.fleq:3:11: error: this number does not fit a Q16.16 word",
        "p.fleq:5:1: error: no instruction named `frob`",
        "p.fleq:6:1: error: `s` is defined twice",
    ]


def test_a_matrix_that_is_wrong_is_one_error() -> None:
    text = "add A, A -> A\nprint A\n.matrix A 2x2 1 2 3\n"
    assert complaint(text).count("error:") == 1


@pytest.mark.parametrize("text", ["", "\n\n", "; nothing\n", ".width 32"])
def test_nothing_to_assemble(text: str) -> None:
    assert "there is nothing to assemble" in complaint(text)


def test_a_flood_of_errors_is_cut() -> None:
    rendered = complaint("bad\n" * 1000)
    assert rendered.count("no instruction") == 100
    assert rendered.endswith("error: and 900 more errors")


@given(st.binary(max_size=200))
def test_no_bytes_make_a_traceback(content: bytes) -> None:
    try:
        assemble(Source("p", content.decode("latin-1")))
    except LoopedError as error:
        assert error.render()


PIECES = st.sampled_from(
    ["add", "matmul", "copy", "next", "jle", "halt", "A", "s", "l", ":", ",", "->", "[", "]", "*",
     "'", "1", "-2.5", "2x2", ".matrix", ".eye", ".random", ".scalar", ".equ", ".side", "if", "<=",
     "0", "goto", "\n", "\n.zeros A 2x2\n", "\n.scalar s 1\n", "\nl: ", ";"]
)  # fmt: skip


@given(st.lists(PIECES, max_size=40).map(" ".join))
def test_no_arrangement_of_tokens_makes_a_traceback(text: str) -> None:
    try:
        assemble(Source("p", text))
    except LoopedError as error:
        assert error.render()
