"""The language of machines whose operands are words: parse, expand, lay out."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from looped.errors import Diagnostic, LoopedError, Source, SourceError
from looped.isa import InstructionSet
from looped.lang.ast import Command, Number, Program, Symbol
from looped.lang.language import Language, Placed
from looped.lang.macros import Expander
from looped.lang.parser import parse
from looped.lang.sources import read_source
from looped.lang.words import DIRECTIVES, lay_out

__all__ = ["plain_language"]

_LIBRARY = Path(__file__).parent / "library"


def plain_language(isa: InstructionSet, width: int) -> Language:
    """The assembly language of an instruction set whose operands are one word each.

    `width` is that of a word if nothing else is said.
    """

    def assemble(
        source: Source, wanted: int | None, asked: bool, errors: list[Diagnostic]
    ) -> Placed:
        program, wrong = parse(source)
        errors += wrong
        bits = _width(program, wanted, language, asked)
        mnemonics = frozenset(instruction.mnemonic for instruction in isa.instructions)
        expander = Expander(mnemonics, DIRECTIVES, errors=errors)
        expander.define(_prelude(isa.prelude))
        expander.program(program, source.name)
        return lay_out(isa, expander.items, bits, errors)

    language = Language(isa.name, isa.widths, width, assemble)
    return language


@cache
def _prelude(name: str) -> Program:
    """The macro library that every source may use."""
    program, errors = parse(read_source(_LIBRARY / name))
    if errors:
        raise SourceError(errors)
    return program


def _width(program: Program, width: int | None, language: Language, asked: bool) -> int:
    """The width that directives or the argument ask for.

    If the machine has been `asked` for, the source may name another.
    """
    wanted, width_span = width, None
    for command in (s for s in program.statements if isinstance(s, Command)):
        match command.name, command.arguments:
            case ".machine", (Symbol() as name,):
                if name.name != language.name and not asked:
                    raise LoopedError(f"this source is for {language.name} already", name.span)
            case ".width", (Number() as number,):
                if width is None:
                    wanted, width_span = number.value, number.span
            case ".machine", _:
                raise LoopedError(".machine needs a name", command.span, ".machine subleq")
            case ".width", _:
                raise LoopedError(".width needs a number", command.span, ".width 16")
    return language.checked(wanted, width_span)
