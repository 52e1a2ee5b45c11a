"""What a word says as text assembles to the word."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from looped.errors import Source
from looped.isa.rv32i import INSTRUCTIONS
from looped.isa.rv32i_text import disassemble
from looped.registry import assemble
from tests.lang.riscv import binutils

WORDS = st.integers(0, 0xFFFFFFFF)


@st.composite
def instructions(draw: st.DrawFn) -> int:
    """A word of which some instruction fixes the opcode and the functions."""
    encoding = INSTRUCTIONS[draw(st.sampled_from(list(INSTRUCTIONS)))]
    return draw(WORDS) & ~encoding.mask | encoding.match


@given(st.one_of(WORDS, instructions()))
def test_the_text_of_a_word_assembles_to_the_word(word: int) -> None:
    text = disassemble(word, 8)
    if word & 0x7F in (0x63, 0x6F) and not text.startswith(".word"):
        target = int(text.rsplit(" ", 1)[1], 16)
        if target % 4:  # decodes, but the assembler knows that no instruction begins there
            return
    assert assemble(Source("t.s", f"nop; nop; {text}")).words == (0x13, 0x13, word)


@pytest.mark.parametrize(
    ("word", "text"),
    [
        (0x00C58533, "add a0, a1, a2"),
        (0x80058513, "addi a0, a1, -2048"),
        (0x41F5D513, "srai a0, a1, 31"),
        (0xFEA58FA3, "sb a0, -1(a1)"),
        (0xFFC100E7, "jalr ra, -4(sp)"),
        (0xFEB51EE3, "bne a0, a1, 0x4"),
        (0x008000EF, "jal ra, 0x10"),
        (0xFFFFFF97, "auipc t6, 0xfffff"),
        (0x0210000F, "fence r, w"),
        (0x8330000F, ".word 0x8330000f"),
        (0x00000073, "ecall"),
        (0x30200073, ".word 0x30200073"),
        (0, ".word 0x00000000"),
    ],
)
def test_texts(word: int, text: str) -> None:
    assert disassemble(word, 8) == text


if binutils.FOUND:

    def test_gnu_objdump_says_the_same(tmp_path: Path) -> None:
        lines = ["lui a0, 0x12345", "lbu t0, -3(s11)", "sltiu a5, x3, 7", "sub t6, gp, tp"]
        path = binutils.link("\n".join([*lines, "xor s1, s2, fp", "ebreak", ""]), tmp_path)
        command = [f"{binutils.PREFIX}objdump", "-d", "-M", "no-aliases", str(path)]
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        rows = [row.split("\t") for row in told.splitlines() if row.count("\t") >= 2]
        assert len(rows) == 6
        for row in rows:
            theirs = " ".join(row[2:]).replace(",", ", ")
            assert disassemble(int(row[1], 16), int(row[0].strip(" :"), 16)) == theirs
