"""The assembly languages of RV32I and RV32IM."""

from __future__ import annotations

from dataclasses import replace

from looped.errors import Diagnostic, Source
from looped.isa.rv32im import EXTENSION
from looped.lang.gnu.data import ALIGNING, FILLING, LEB128, NUMBERS, TEXTS
from looped.lang.gnu.program import Target
from looped.lang.gnu.reader import Reader
from looped.lang.language import Language, Placed
from looped.lang.riscv.instructions import EXTENDED_MNEMONICS, MNEMONICS
from looped.lang.riscv.layout import lay_out
from looped.lang.riscv.pseudo import expand
from looped.lang.riscv.sizes import ORIGIN, length

__all__ = ["RV32I", "RV32IM"]

_RV32IM = Target(
    name="rv32im",
    width=32,
    mnemonics=EXTENDED_MNEMONICS,
    directives=frozenset({*NUMBERS, *TEXTS, *FILLING, *ALIGNING, *LEB128, ORIGIN}),
    length=length,
    expand=expand,
    elsewhere={},
)
_RV32I = replace(
    _RV32IM,
    name="rv32i",
    mnemonics=MNEMONICS,
    elsewhere=dict.fromkeys(EXTENSION, "rv32im"),
)


def _language(target: Target) -> Language:
    def assemble(
        source: Source, width: int | None, asked: bool, errors: list[Diagnostic]
    ) -> Placed:
        language.checked(width)
        return lay_out(Reader(target, asked, errors).read(source), errors)

    language = Language(target.name, (target.width,), target.width, assemble, addresses_per_word=4)
    return language


RV32I = _language(_RV32I)
"""RISC-V assembly, as GNU as has it."""

RV32IM = _language(_RV32IM)
"""The same with the M extension."""
