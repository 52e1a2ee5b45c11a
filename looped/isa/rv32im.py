"""RV32IM as data: RV32I and the M extension (RISC-V unprivileged specification, chapter 13).

All eight instructions of the extension are of the R-format, with a funct7 of their own.
"""

from __future__ import annotations

import re

from looped.isa.rv32i import INSTRUCTIONS as BASE
from looped.isa.rv32i import Encoding

__all__ = ["EXTENSION", "INSTRUCTIONS", "TELLING_BIT", "extensions"]

_MNEMONICS = ("mul", "mulh", "mulhsu", "mulhu", "div", "divu", "rem", "remu")

EXTENSION: dict[str, Encoding] = {
    name: Encoding("R", 0x33, funct3, 1) for funct3, name in enumerate(_MNEMONICS)
}
"""Mnemonic → encoding of the M extension alone."""

INSTRUCTIONS: dict[str, Encoding] = {**BASE, **EXTENSION}
"""Mnemonic → encoding."""

TELLING_BIT = 1 << 25
"""The bit of an R-format that is one in the extension and zero in RV32I."""


def extensions(architecture: str) -> frozenset[str]:
    """The extensions of one letter of an architecture, as compilers and linkers name it
    (`rv32i2p1_m2p0`)."""
    names = re.sub(r"\d+p\d+", "", architecture.removeprefix("rv32")).split("_")
    return frozenset("".join(name for name in names if name[:1] not in ("z", "s", "x")))
