"""The assembly languages of RV32I, RV32IM and RV32IMA."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from looped.errors import Diagnostic, Source
from looped.isa.rv32im import EXTENSION, extensions
from looped.lang.gnu.assembly import Target
from looped.lang.gnu.data import ALIGNING, FILLING, LEB128, NUMBERS, TEXTS
from looped.lang.gnu.reader import Reader
from looped.lang.language import Language, Placed
from looped.lang.riscv.instructions import ATOMIC_MNEMONICS, MNEMONICS
from looped.lang.riscv.layout import lay_out
from looped.lang.riscv.pseudo import expand
from looped.lang.riscv.sizes import ORIGIN, length

__all__ = ["RV32I", "RV32IM", "RV32IMA"]

_RV32IMA = Target(
    name="rv32ima",
    width=32,
    mnemonics=MNEMONICS,
    directives=frozenset({*NUMBERS, *TEXTS, *FILLING, *ALIGNING, *LEB128, ORIGIN}),
    length=length,
    expand=expand,
    elsewhere={},
)
_RV32IM = replace(
    _RV32IMA,
    name="rv32im",
    mnemonics=MNEMONICS - ATOMIC_MNEMONICS,
    elsewhere=dict.fromkeys(ATOMIC_MNEMONICS, "rv32ima"),
)
_RV32I = replace(
    _RV32IM,
    name="rv32i",
    mnemonics=MNEMONICS - ATOMIC_MNEMONICS - frozenset(EXTENSION),
    elsewhere={**_RV32IM.elsewhere, **dict.fromkeys(EXTENSION, "rv32im")},
)


_ARCHITECTURE = re.compile(
    r"^[ \t]*\.attribute[ \t]+(?:arch|Tag_RISCV_arch|5)[ \t]*,[ \t]*\"(\w+)\"", re.MULTILINE
)


def _language(target: Target, suits: Callable[[frozenset[str]], bool]) -> Language:
    """The language of a machine; `suits` says whether it is for an architecture, by the extensions
    of one letter."""

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
        return suits(extensions(architecture.group(1) if architecture else ""))

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


RV32I = _language(_RV32I, lambda letters: letters.isdisjoint("ma"))
"""RISC-V assembly in the syntax of GNU as."""

RV32IM = _language(_RV32IM, lambda letters: "m" in letters and "a" not in letters)
"""The same with the M extension."""

RV32IMA = _language(_RV32IMA, lambda letters: "a" in letters)
"""The same with the A extension too."""
