"""Source to Image, in a given language; a source reports all of its errors together."""

from __future__ import annotations

import re
from pathlib import Path

from looped.errors import Diagnostic, LoopedError, Source, SourceError, Span
from looped.image import Image
from looped.isa import SUBLEQ
from looped.isa.rv32im import RISCV, machine_for
from looped.lang.language import Language
from looped.lang.plain import plain_language
from looped.lang.riscv import RV32I, RV32IM
from looped.lang.sources import read_source

__all__ = ["LANGUAGES", "assemble", "assemble_file"]

LANGUAGES: dict[str, Language] = {
    language.name: language for language in (plain_language(SUBLEQ, 16), RV32I, RV32IM)
}
"""The assembly language of each machine; the first is that of a source that names none."""

_BY_SUFFIX = {".s": RV32I.name, ".S": RV32I.name}
_ARCHITECTURE = re.compile(
    r"^[ \t]*\.attribute[ \t]+(?:arch|Tag_RISCV_arch|5)[ \t]*,[ \t]*\"(\w+)\"", re.MULTILINE
)
_MACHINE = re.compile(r"^[ \t]*\.machine[ \t]+(\w+)", re.MULTILINE)
_MOST_ERRORS = 100


def assemble_file(path: Path, *, width: int | None = None, machine: str | None = None) -> Image:
    """Assemble a source file. Raises FileError if it cannot be read, SourceError as `assemble`."""
    return assemble(read_source(path), width=width, machine=machine)


def assemble(source: Source, *, width: int | None = None, machine: str | None = None) -> Image:
    """Assemble a source; `width` and `machine` override its directives.

    A source that names no machine is for RISC-V if its name ends in `.s`, else for SUBLEQ; the
    extension M is there if an attribute says so. Raises SourceError with everything that is wrong,
    in the order of the text.
    """
    named = machine or _named(source)
    language = LANGUAGES.get(named)
    if language is None:
        match = _MACHINE.search(source.text)
        span = Span(source, *match.span(1)) if match and machine is None else None
        hint = f"machines: {', '.join(LANGUAGES)}"
        raise SourceError([Diagnostic(f"no machine named `{named}`", span, hint)])
    errors: list[Diagnostic] = []
    try:
        placed = language.assemble(source, width, machine is not None, errors)
        if not placed.words and not errors:
            raise LoopedError("there is nothing to assemble", Span(source, 0, 0))
    except LoopedError as error:
        errors += error.diagnostics
    if errors:
        raise SourceError(_ordered(errors, source))
    return Image(
        language.name,
        placed.width,
        placed.words,
        placed.symbols,
        placed.source_map,
        placed.entry,
        language.addresses_per_word,
    )


def _named(source: Source) -> str:
    """The machine that a source is for, as its text or its name has it."""
    named = _MACHINE.search(source.text)
    if named:
        return named.group(1)
    machine = _BY_SUFFIX.get(Path(source.name).suffix, SUBLEQ.name)
    architecture = _ARCHITECTURE.search(source.text)
    return machine_for(architecture.group(1)) if architecture and machine in RISCV else machine


def _ordered(errors: list[Diagnostic], source: Source) -> list[Diagnostic]:
    """Errors by file (the user's first) and place; a flood is cut."""

    def order(diagnostic: Diagnostic) -> tuple[bool, str, int]:
        span = diagnostic.span
        if span is None:
            return True, "", 0
        return span.source.name != source.name, span.source.name, span.start

    unique = sorted(dict.fromkeys(errors), key=order)
    more = len(unique) - _MOST_ERRORS
    if more > 0:
        return [*unique[:_MOST_ERRORS], Diagnostic(f"and {more} more errors")]
    return unique
