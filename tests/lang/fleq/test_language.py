"""The FLEQ dialect: what each statement becomes, in words and when it runs."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from looped.errors import LoopedError, Source, SourceError
from looped.image import Image, Location
from looped.isa.fleq import Operation, Selector, decode
from looped.lang.fleq import FLEQ
from tests.conftest import examples
from tests.programs.fleq import assemble, execute, initial

ZERO, ROW, COLUMN, _ = Selector
DATA = """
.matrix A 2x3 1 2 3
    4 5 6
.matrix B 3x2 1 0
    0 1
    1 1
.matrix x 1x3 1 2 3
.matrix y 3x1 4 5 6
.scalar s 2
.zeros C 2x2
.zeros D 2x3
.zeros E 3x3
.zeros t 1x1
"""


def image(text: str) -> Image:
    return assemble(Source("p.fleq", text))


def printed(text: str, workers: int = 64) -> str:
    return execute(f"{text}\nhalt\n{DATA}", workers).text


RESULTS = {
    "add A, A -> D\nprint D": "2 4 6\n8 10 12\n",
    "sub A, 1 -> D\nprint D": "0 1 2\n3 4 5\n",
    "sub 1, A -> D\nprint D": "0 -1 -2\n-3 -4 -5\n",
    "mul A, x -> D\nprint D": "1 4 9\n4 10 18\n",  # a row for every row
    "mul y, x -> E\nprint E": "4 8 12\n5 10 15\n6 12 18\n",  # a column and a row
    "mul y', x -> x\nprint x": "4 10 18\n",
    "div A, s -> D\nprint D": "0.5 1 1.5\n2 2.5 3\n",
    "rem A, s -> D\nprint D": "1 0 1\n0 1 0\n",
    "matmul A, B -> C\nprint C": "4 5\n10 11\n",
    "matmul A, A' -> C\nprint C": "14 32\n32 77\n",
    "matmul B', A' -> C\nprint C": "4 10\n5 11\n",
    "matmul A', A -> E\nprint E": "17 22 27\n22 29 36\n27 36 45\n",
    "matmul x, y -> t\nprint t": "32\n",
    "dot x, y -> t\nprint t": "32\n",
    "dot y, y -> t\nprint t": "77\n",
    "outer x, y -> E\nprint E": "4 5 6\n8 10 12\n12 15 18\n",
    "dot x', y' -> t\nprint t": "32\n",
    "outer x', y' -> E\nprint E": "4 5 6\n8 10 12\n12 15 18\n",
    "transpose A -> B\nprint B": "1 4\n2 5\n3 6\n",
    "copy A' -> B\nprint B": "1 4\n2 5\n3 6\n",
    "copy A[1] -> x\nprint x": "4 5 6\n",
    "copy A[:, 1] -> C[:, 0]\nprint C": "2 0\n5 0\n",
    "copy x[1:3] -> C[1]\nprint C": "0 0\n2 3\n",
    "copy A[0:2, 1:] -> C\nprint C": "2 3\n5 6\n",
    "copy 7 -> E[1:, 1:]\nprint E": "0 0 0\n0 7 7\n0 7 7\n",
    "copy y[2] -> t\nprint t": "6\n",
    "print A'": "1 4\n2 5\n3 6\n",
    "print A[0, 2]": "3\n",
    "print -0.1": "-0.1\n",
    "sqrt x -> x\nprint x": "1 1.4142 1.73204\n",
    "relu -3 -> t\nprint t": "0\n",
    "sigmoid s -> t\nprint t": "0.8808\n",
    "copy s -> s if s <= 0 goto l\nprint 1\nl: print 2": "1\n2\n",
    "sub s, s -> t if t <= 0 goto l\nprint 1\nl: print 2": "2\n",
    "jle t, l\nprint 1\nl: print 2": "2\n",
    "jle s, l\nprint 1\nl: print 2": "1\n2\n",
    "jmp l\nprint 1\nl: print 2": "2\n",
    "print 1 if t <= 0 goto l\nprint 2\nl: print 3": "1\n3\n",
    "halt\nprint 1": "",
    "copy A[*] -> x\nnext A\nprint A[*]\nfirst A\nprint A[*]": "4 5 6\n1 2 3\n",
    "next x\nnext x\nprint x[*]\nprint x": "3\n1 2 3\n",
    "next B\ncopy 9 -> B[:, *]\nprint B": "1 9\n0 9\n1 9\n",
    "next A\nprint A[*, 1:3]": "5 6\n",
    "next y\nprint y[*]": "5\n",
}


@pytest.mark.parametrize("text", RESULTS)
@pytest.mark.parametrize("workers", [1, 64])
def test_statements_do_what_they_say(text: str, workers: int) -> None:
    assert printed(text, workers) == RESULTS[text]


def test_code_then_matrices_then_constants() -> None:
    text = "; a comment\nstart: add A, 2 -> A\nend: halt\n.matrix A 2x2 1 -2\n 0.5 3\n"
    found = image(text)
    one = 1 << 16
    operation = Operation("add", (ROW, COLUMN), (ZERO, ZERO), 2, 2)
    assert decode(found.words[0]) == operation
    assert found.words[1:6] == (12, 22, 12, 0, 0)
    assert decode(found.words[6]) == Operation("copy", judge=True)
    assert found.words[7:12] == (23, 23, 23, 23, (1 << 32) - 1)
    row = (one, (1 << 32) - 2 * one)
    assert found.words[12:] == (*row, *[0] * 6, one // 2, 3 * one, 2 * one, 0)
    assert dict(found.symbols) == {
        "start": 0, "end": 6, "A": 12, "A.rows": 2, "A.cols": 2,
        "fleq.fraction": 16, "fleq.side": 8,
    }  # fmt: skip
    code, first, second = (Location("p.fleq", line) for line in (2, 4, 5))
    assert found.source_map[:12] == (code,) * 6 + (Location("p.fleq", 3),) * 6
    assert found.source_map[12:] == (first, first, *[None] * 6, second, second, None, None)
    assert (found.machine, found.width, found.entry) == ("fleq", 32, 0)


def test_next_and_first_write_the_operand_words_of_other_instructions() -> None:
    found = image("copy A[*] -> x\nadd A[*], x -> x\nnext A\nfirst A\nhalt\n" + DATA)
    operations = [decode(found.words[6 * n]) for n in range(7)]
    assert [o.function for o in operations if o] == ["copy", "add", "add", "add"] + ["copy"] * 3
    targets = [found.words[6 * n + 3] for n in range(2, 6)]
    assert targets == [1, 7, 1, 7]
    assert found.words[found.words[6 * 2 + 2]] == 8
    assert found.words[found.words[6 * 4 + 1]] == found.symbols["A"]


def test_equal_constants_share_a_word() -> None:
    assert len(image("add 1, 1 -> t\nadd 1.0, 2 -> t\n.scalar t 0").words) == 12 + 1 + 2


def test_settings_choose_stride_and_format() -> None:
    found = image(".side 2\n.fraction 20\n.matrix A 2x2 1 2 3 4\nhalt")
    assert found.words[6:10] == tuple(n << 20 for n in (1, 2, 3, 4))
    assert found.symbols["fleq.side"] == 2 and found.symbols["fleq.fraction"] == 20
    wide = assemble(Source("p", ".scalar a -1\nhalt"), width=64)
    assert wide.width == 64 and wide.words[6] == (1 << 64) - (1 << 48)


def test_constants_stand_wherever_a_number_does() -> None:
    text = ".equ N 2\n.equ M N\n.matrix A 2x2 N 1 M 3\nhalt\nadd A[M_1], N -> A[0]\n.equ M_1 1\n"
    assert image(text).words == image(text.replace("M_1]", "1]")).words
    assert initial(text, "A").tolist() == [[2, 1], [2, 3]]


def test_identities_and_random_matrices() -> None:
    assert initial(".eye A 2x2\nhalt", "A").tolist() == [[1, 0], [0, 1]]
    assert initial(".eye A 2x2 -0.5\nhalt", "A").tolist() == [[-0.5, 0], [0, -0.5]]
    full = initial(".random A 8x8 5\nhalt", "A")
    small = initial(".random A 8x8 5 0.25\nhalt", "A")
    assert -1 <= full.min() < -0.9 and 0.9 < full.max() < 1
    assert abs(small - full / 4).max() <= 2.0**-16
    assert (initial(".random A 8x8 6\nhalt", "A") != full).all()


def test_random_numbers_are_those_of_split_mix() -> None:
    """The first outputs for the seed 1234567, as published with the generator's code."""
    outputs = [6457827717110365317, 3203168211198807973]
    expected = [math.floor(((o >> 32) - 2**31) / 2**31 * 65536 + 0.5) / 65536 for o in outputs]
    assert initial(".random A 1x2 1234567\nhalt", "A").tolist() == [expected]


decimals = st.builds(
    "{}{}.{}{}".format,
    st.sampled_from(["", "-", "+"]),
    st.integers(0, 32767),
    st.text("0123456789", max_size=30),
    st.sampled_from(["", "e-3", "E0", "e-20"]),
)


@given(decimals)
def test_decimals_are_exact_and_rounded_half_up(text: str) -> None:
    word = math.floor(Fraction(text) * 65536 + Fraction(1, 2))
    assert image(f".scalar x {text}\nhalt").words[6] == word % (1 << 32)


@pytest.mark.parametrize(
    ("text", "word"),
    [("0.00000762939453125", 1), ("0.0000076293945312499", 0), ("-0.00000762939453125", 0),
     ("-0.0000076293945312501", -1), ("32767.9999923706054687", (1 << 31) - 1),
     ("-32768.00000762939453125", -(1 << 31)), (".5", 1 << 15), ("5.", 5 << 16)],
)  # fmt: skip
def test_decimals_at_the_edges(text: str, word: int) -> None:
    assert image(f".scalar x {text}\nhalt").words[6] == word % (1 << 32)


@pytest.mark.parametrize("text", ["32767.99999237060546875", "-32768.0000076293945313", "1e9"])
def test_decimals_out_of_range_are_refused(text: str) -> None:
    with pytest.raises(SourceError) as caught:
        image(f".scalar x {text}\nhalt")
    assert caught.value.render() == (
        f"p.fleq:1:11: error: this number does not fit a Q16.16 word\n"
        f"    1 | .scalar x {text}\n"
        f"      |           {'^' * len(text)}\n"
        "hint: -32768 to 32768 - 2^-16"
    )


NAMES = st.sampled_from(["P", "Q", "P'", "Q'", "P[0:2]", "P[1:3]", "P[:, 0]", "Q[1]", "Q[1:4]"])
STATEMENTS = st.one_of(
    st.builds("{} {}, {} -> {}".format, st.sampled_from(["add", "matmul"]), NAMES, NAMES, NAMES),
    st.builds("copy {} -> {}".format, NAMES, NAMES),
)


@given(st.lists(STATEMENTS, min_size=15, max_size=15))
@examples(0.5)
def test_what_is_accepted_does_the_same_with_any_number_of_workers(lines: list[str]) -> None:
    data = "\nhalt\n.random P 4x4 1\n.random Q 4x4 2\n.side 4\n"
    accepted = []
    for line in lines:
        try:
            image(line + data)
            accepted.append(line)
        except LoopedError:
            pass
    text = "\n".join(accepted) + data
    memories = [execute(text, workers).memory for workers in (1, 2, 4, 8, 16)]
    assert all(memory == memories[0] for memory in memories)


def test_the_language_is_one_like_the_others() -> None:
    errors: list[object] = []
    source = Source("p", "halt")
    placed = FLEQ.assemble(source, None, False, errors, {})  # type: ignore[arg-type]
    assert not errors and placed.width == FLEQ.width == FLEQ.checked(None)
    assert len(placed.words) == len(placed.source_map) == 7
