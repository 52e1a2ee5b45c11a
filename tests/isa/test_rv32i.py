"""Encodings: known words, fields that come back, and operands that do not fit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from looped.errors import CompileError
from looped.isa.rv32i import ABI_NAMES, INSTRUCTIONS, REGISTERS, Decoded, decode, encode


@pytest.mark.parametrize(
    ("word", "mnemonic", "operands"),
    [
        (0x00A28293, "addi", {"rd": 5, "rs1": 5, "imm": 10}),
        (0xFFF00513, "addi", {"rd": 10, "imm": -1}),
        (0x123452B7, "lui", {"rd": 5, "imm": 0x12345}),
        (0x00C58533, "add", {"rd": 10, "rs1": 11, "rs2": 12}),
        (0x40C58533, "sub", {"rd": 10, "rs1": 11, "rs2": 12}),
        (0x4035D513, "srai", {"rd": 10, "rs1": 11, "imm": 3}),
        (0x00B52423, "sw", {"rs1": 10, "rs2": 11, "imm": 8}),
        (0xFEB50FA3, "sb", {"rs1": 10, "rs2": 11, "imm": -1}),
        (0xFE0008E3, "beq", {"imm": -16}),
        (0x00B55463, "bge", {"rs1": 10, "rs2": 11, "imm": 8}),
        (0xFF1FF06F, "jal", {"imm": -16}),
        (0x008000EF, "jal", {"rd": 1, "imm": 8}),
        (0x00008067, "jalr", {"rs1": 1}),
        (0x0FF0000F, "fence", {"imm": 0xFF}),
        (0x00000073, "ecall", {}),
        (0x00100073, "ebreak", {}),
    ],
)
def test_words_of_the_manual(word: int, mnemonic: str, operands: dict[str, int]) -> None:
    assert encode(mnemonic, **operands) == word
    assert decode(word) == Decoded(mnemonic, **operands)


@given(st.integers(0, (1 << 32) - 1), st.sampled_from(sorted(INSTRUCTIONS)))
def test_decoding_and_encoding_are_inverse(noise: int, mnemonic: str) -> None:
    encoding = INSTRUCTIONS[mnemonic]
    word = noise & ~encoding.mask & 0xFFFFFFFF | encoding.match
    found = decode(word)
    assert found is not None and found.mnemonic == mnemonic
    again = encode(found.mnemonic, found.rd, found.rs1, found.rs2, found.imm)
    assert again == word


def test_no_two_encodings_overlap() -> None:
    encodings = list(INSTRUCTIONS.values())
    for i, one in enumerate(encodings):
        for other in encodings[:i]:
            assert (one.match ^ other.match) & one.mask & other.mask


@pytest.mark.parametrize("word", [0, 0xFFFFFFFF, 0x00000013 | 0x40 << 25 | 1 << 12, 0x02C58533])
def test_what_is_not_rv32i_is_not_decoded(word: int) -> None:
    assert decode(word) is None


def test_registers_have_two_names_and_one_has_three() -> None:
    assert len(ABI_NAMES) == len(set(ABI_NAMES)) == 32
    assert [REGISTERS[n] for n in ("zero", "ra", "sp", "a0", "s11", "t6", "fp", "s0", "x31")] == [
        *(0, 1, 2, 10, 27, 31, 8, 8, 31)
    ]


@pytest.mark.parametrize(
    ("mnemonic", "operands", "message"),
    [
        ("mul", {}, "rv32i has no instruction `mul`"),
        ("add", {"rd": 32}, "`add` cannot have 32 as rd"),
        ("addi", {"rs2": 1}, "`addi` cannot have 1 as rs2"),
        ("addi", {"imm": 2048}, "2048 is not from -2048 to 2047: `addi`"),
        ("slli", {"imm": 32}, "32 is not from 0 to 31: `slli`"),
        ("beq", {"imm": 3}, "3 is not an even number from -4096 to 4095: `beq`"),
        ("ecall", {"imm": 1}, "1 is not from 0 to 0: `ecall`"),
    ],
)
def test_operands_that_do_not_fit(mnemonic: str, operands: dict[str, int], message: str) -> None:
    with pytest.raises(CompileError) as caught:
        encode(mnemonic, **operands)
    assert str(caught.value) == message
