"""A corner of a RISC-V instruction is counted for the operands that come to it, for no others."""

from __future__ import annotations

import pytest

from looped import registry
from looped.image import Image
from looped.isa.rv32i import encode
from looped.profiles.case import Case

MEMORY = 32
_NEGATIVE = encode("lui", 5, imm=0x80000)
_POSITIVE = encode("lui", 5, imm=0x7FFFF)
_EXTENDS = "extends a negative sign"


@pytest.mark.parametrize(
    ("words", "corner", "counted"),
    [
        ((_NEGATIVE, encode("srai", 6, 5, imm=1)), f"srai {_EXTENDS}", True),
        ((_NEGATIVE, encode("srai", 6, 5, imm=0)), f"srai {_EXTENDS}", False),
        ((_NEGATIVE, encode("srai", 0, 5, imm=1)), f"srai {_EXTENDS}", False),
        ((_POSITIVE, encode("srai", 6, 5, imm=1)), f"srai {_EXTENDS}", False),
        ((_NEGATIVE, encode("sra", 6, 5, 5)), f"sra {_EXTENDS}", False),
        ((encode("addi", 5, imm=-1), encode("sra", 6, 5, 5)), f"sra {_EXTENDS}", True),
        ((encode("lb", 6, imm=4), 0xFF), f"lb {_EXTENDS}", True),
        ((encode("lb", 6, imm=4), 0xFF7F), f"lb {_EXTENDS}", False),
        ((encode("lh", 6, imm=4), 0xFF7F), f"lh {_EXTENDS}", True),
        ((encode("lh", 6, imm=4), 0x7FFF), f"lh {_EXTENDS}", False),
        ((encode("jal", imm=-8),), "jump far outside memory", True),
        ((encode("jal", imm=4 * MEMORY),), "jump far outside memory", False),
        ((encode("lw", 6, imm=2),), "misaligned word at an even address", True),
        ((encode("lw", 6, imm=1),), "misaligned word at an even address", False),
        ((encode("sw", imm=2),), "misaligned word at an even address", True),
        ((encode("lh", 6, imm=2),), "misaligned word at an even address", False),
    ],
)
def test_a_corner_is_counted(words: tuple[int, ...], corner: str, counted: bool) -> None:
    profile = registry.fuzz_profile("rv32i")
    assert corner in profile.classes(32, MEMORY)
    case = Case(Image("rv32i", 32, words, addresses_per_word=4))
    assert (corner in profile.observe(case, MEMORY, 2).classes) == counted
