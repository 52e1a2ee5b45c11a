"""Lines of Spike's commit log, as Spike prints them."""

from __future__ import annotations

import pytest

from looped.isa.rv32i import encode
from looped.isa.rv32i_log import commit_line

REGISTERS = [0, 0x80001000, 0xCAFEBABE, *[0] * 29]


@pytest.mark.parametrize(
    ("line", "word", "written"),
    [
        ("core   0: 3 0x80000000 (0x00000297) x5  0x80000000", 0x297, [(5, 0x80000000)]),
        ("core   0: 3 0x80000000 (0x00100513) x10 0x00000001", 0x100513, [(10, 1)]),
        ("core   0: 3 0x80000000 (0x00000063)", 0x63, []),
        (
            "core   0: 3 0x80000000 (0xffc0a103) x2  0x00000007 mem 0x80000ffc",
            encode("lw", rd=2, rs1=1, imm=-4),
            [(2, 7)],
        ),
        (
            "core   0: 3 0x80000000 (0x0020a423) mem 0x80001008 0xcafebabe",
            encode("sw", rs1=1, rs2=2, imm=8),
            [],
        ),
        (
            "core   0: 3 0x80000000 (0xfe209fa3) mem 0x80000fff 0xbabe",
            encode("sh", rs1=1, rs2=2, imm=-1),
            [],
        ),
        (
            "core   0: 3 0x80000000 (0x00208023) mem 0x80001000 0xbe",
            encode("sb", rs1=1, rs2=2, imm=0),
            [],
        ),
    ],
)
def test_a_line(line: str, word: int, written: list[tuple[int, int]]) -> None:
    assert commit_line(0x80000000, word, written, REGISTERS) == line
