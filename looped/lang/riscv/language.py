"""The assembly languages of RV32I and RV32IM."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from looped.errors import Diagnostic, Source
from looped.isa.rv32im import EXTENSION, has_extension
from looped.lang.gnu.assembly import Target
from looped.lang.gnu.data import ALIGNING, FILLING, LEB128, NUMBERS, TEXTS
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


_ARCHITECTURE = re.compile(
    r"^[ \t]*\.attribute[ \t]+(?:arch|Tag_RISCV_arch|5)[ \t]*,[ \t]*\"(\w+)\"", re.MULTILINE
)


def _language(target: Target, extended: bool) -> Language:
    """The language of a machine; `extended` says whether the machine has the M extension."""

    def assemble(
        source: Source,
        width: int | None,
        chosen: bool,
        errors: list[Diagnostic],
        parameters: Mapping[str, int],
    ) -> Placed:
        language.checked(width)
        return lay_out(Reader(target, chosen, errors).read(source), errors)

    def recognises(source: Source) -> bool:
        if Path(source.name).suffix not in (".s", ".S"):
            return False
        architecture = _ARCHITECTURE.search(source.text)
        return extended is (architecture is not None and has_extension(architecture.group(1)))

    language = Language(
        target.name,
        (target.width,),
        target.width,
        assemble,
        suffix=".s",
        comment="#",
        recognises=recognises,
        addresses_per_word=4,
    )
    return language


RV32I = _language(_RV32I, extended=False)
"""RISC-V assembly in the syntax of GNU as."""

RV32IM = _language(_RV32IM, extended=True)
"""The same with the M extension."""
