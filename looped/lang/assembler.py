"""Source to Image: parse, expand, lay out; everything that is wrong with it is told at once."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from looped.errors import Diagnostic, LoopedError, Source, SourceError, Span
from looped.image import Image
from looped.isa import SUBLEQ
from looped.isa.rv32im import RISCV, machine_for
from looped.lang.ast import Command, Number, Program, Symbol
from looped.lang.language import Language
from looped.lang.macros import Expander
from looped.lang.parser import parse
from looped.lang.riscv import RV32I, RV32IM
from looped.lang.sources import read_source
from looped.lang.words import word_language

__all__ = ["LANGUAGES", "assemble", "assemble_file"]

LANGUAGES: dict[str, Language] = {
    language.name: language for language in (word_language(SUBLEQ, 16), RV32I, RV32IM)
}
"""The assembly language of each machine; the first is that of a source that names none."""

_BY_SUFFIX = {".s": RV32I.name, ".S": RV32I.name}
_ARCHITECTURE = re.compile(r"^[ \t]*\.attribute[ \t]+arch[ \t]*,[ \t]*\"(\w+)\"", re.MULTILINE)
_MACHINE = re.compile(r"^[ \t]*\.machine[ \t]+(\w+)", re.MULTILINE)
_MOST_ERRORS = 100
_LIBRARY = Path(__file__).parent / "library"


def assemble_file(path: Path, *, width: int | None = None, machine: str | None = None) -> Image:
    """Assemble a source file. Raises FileError if it cannot be read, SourceError as `assemble`."""
    return assemble(read_source(path), width=width, machine=machine)


def assemble(source: Source, *, width: int | None = None, machine: str | None = None) -> Image:
    """Assemble a source; `width` and `machine` override its directives.

    A source that names no machine is for RISC-V if its name ends in `.s`, else for SUBLEQ; the
    extension M is there if an attribute says so. Raises SourceError with everything that is wrong,
    in the order of the text.
    """
    asked, machine = machine, machine or _named(source)
    # how a source is to be read depends on its machine; a name that is none is an error further on
    syntax = LANGUAGES.get(machine, LANGUAGES[SUBLEQ.name]).syntax
    program, errors = parse(source, syntax)
    try:
        language, bits = _target(program, width, machine, asked is not None)
        expander = Expander(
            language.mnemonics, language.directives, syntax, language.elsewhere, errors=errors
        )
        expander.define(_prelude(language))
        expander.program(program, source.name)
        placed = language.lay_out(expander.items, bits, expander.errors)
        if not placed.words and not expander.errors:
            raise LoopedError("there is nothing to assemble", Span(source, 0, 0))
    except LoopedError as error:
        errors += error.diagnostics
    if errors:
        raise SourceError(_ordered(errors, source))
    return Image(
        language.name,
        bits,
        placed.words,
        placed.symbols,
        placed.source_map,
        placed.entry,
        language.unit,
    )


def _named(source: Source) -> str:
    """The machine that a source is for, as its text or its name has it."""
    named = _MACHINE.search(source.text)
    if named:
        return named.group(1)
    machine = _BY_SUFFIX.get(Path(source.name).suffix, SUBLEQ.name)
    architecture = _ARCHITECTURE.search(source.text)
    return machine_for(architecture.group(1)) if architecture and machine in RISCV else machine


@cache
def _prelude(language: Language) -> Program:
    program, errors = parse(read_source(_LIBRARY / language.prelude), language.syntax)
    if errors:
        raise SourceError(errors)
    return program


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


def _target(program: Program, width: int | None, machine: str, asked: bool) -> tuple[Language, int]:
    """The language of a machine, and the width that directives or the argument ask for.

    If the machine has been `asked` for, the source may name another.
    """
    machine_span: Span | None = None
    width_span: Span | None = None
    wanted = width
    for command in (s for s in program.statements if isinstance(s, Command)):
        match command.name, command.arguments:
            case ".machine", (Symbol() as name,):
                if name.name != machine and not asked:
                    raise LoopedError(f"this source is for {machine} already", name.span)
                machine_span = None if asked else name.span
            case ".width", (Number() as number,):
                if width is None:
                    wanted, width_span = number.value, number.span
            case ".machine", _:
                raise LoopedError(".machine needs a name", command.span, ".machine subleq")
            case ".width", _:
                raise LoopedError(".width needs a number", command.span, ".width 16")
    if machine not in LANGUAGES:
        known = ", ".join(LANGUAGES)
        raise LoopedError(f"no machine named `{machine}`", machine_span, f"machines: {known}")
    language = LANGUAGES[machine]
    wanted = language.width if wanted is None else wanted
    if wanted not in language.widths:
        known = ", ".join(map(str, language.widths))
        message = f"{language.name} has no {wanted}-bit words"
        raise LoopedError(message, width_span, f"widths: {known}")
    return language, wanted
