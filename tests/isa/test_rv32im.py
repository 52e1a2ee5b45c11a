"""The M extension's encodings, and which machine an architecture asks for."""

from __future__ import annotations

import pytest

from looped.errors import CompileError
from looped.isa.rv32i import Decoded, decode, encode
from looped.isa.rv32i_text import disassemble
from looped.isa.rv32im import EXTENSION, INSTRUCTIONS, TELLING_BIT, extensions


def test_words_of_the_manual() -> None:
    """By GNU as 2.40: mul, mulh, … of a0, a1, a2."""
    words = [0x02C58533 + (funct3 << 12) for funct3 in range(8)]
    assert [encode(name, 10, 11, 12, instructions=INSTRUCTIONS) for name in EXTENSION] == words
    assert [disassemble(word, 0, INSTRUCTIONS) for word in words] == [
        f"{name} a0, a1, a2" for name in EXTENSION
    ]
    assert decode(words[3], INSTRUCTIONS) == Decoded("mulhu", 10, 11, 12)


def test_the_base_set_knows_none_of_them() -> None:
    assert decode(0x02C58533) is None
    assert disassemble(0x02C58533) == ".word 0x02c58533"
    with pytest.raises(CompileError, match="rv32i has no instruction `remu`"):
        encode("remu")


def test_no_two_encodings_overlap_and_a_bit_tells_the_extension() -> None:
    for name, encoding in EXTENSION.items():
        for other_name, other in INSTRUCTIONS.items():
            apart = (encoding.match ^ other.match) & encoding.mask & other.mask
            assert apart or other_name == name
            if other.format == "R" and other_name not in EXTENSION:
                assert not other.match & TELLING_BIT
        assert encoding.match & encoding.mask & TELLING_BIT


@pytest.mark.parametrize(
    ("architecture", "extended"),
    [
        ("rv32i", False),
        ("rv32i2p1", False),
        ("rv32im", True),
        ("rv32i2p1_m2p0", True),
        ("rv32i2p1_m2p0_zmmul1p0", True),
        ("rv32i2p1_zmmul1p0", False),
        ("rv32i2p1_zicsr2p0_xm1p0", False),
    ],
)
def test_an_architecture_has_the_extension_or_not(architecture: str, extended: bool) -> None:
    assert ("m" in extensions(architecture)) is extended
