"""The language of machines whose operands are words: parse, expand, lay out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

from looped.errors import Diagnostic, LoopedError, Source, SourceError
from looped.isa import Instruction, InstructionSet
from looped.lang.ast import Command, Number, Program, Symbol
from looped.lang.language import Language, Placed
from looped.lang.sources import read_source

__all__ = ["plain_language", "plain_text"]

_LIBRARY = Path(__file__).parent / "library"


def plain_language(isa: InstructionSet, width: int, suffix: str) -> Language:
    """The assembly language of an instruction set whose operands are one word each.

    `width` is the usual width of a word; source files end in `suffix`.
    """

    def assemble(
        source: Source,
        wanted: int | None,
        chosen: bool,
        errors: list[Diagnostic],
        parameters: Mapping[str, int],
    ) -> Placed:
        from looped.lang.macros import Expander  # the parser takes a while to load
        from looped.lang.parser import parse
        from looped.lang.words import DIRECTIVES, lay_out

        program, wrong = parse(source)
        errors += wrong
        bits = _width(program, wanted, language, chosen)
        mnemonics = frozenset(instruction.mnemonic for instruction in isa.instructions)
        expander = Expander(mnemonics, DIRECTIVES, errors=errors)
        if isa.prelude is not None:
            expander.define(_prelude(isa.prelude))
        expander.program(program, source.name)
        return lay_out(isa, expander.items, bits, errors)

    language = Language(
        isa.name,
        isa.widths,
        width,
        assemble,
        suffix=suffix,
        comment=";",
        recognises=lambda source: Path(source.name).suffix == suffix,
    )
    return language


def plain_text(instruction: Instruction) -> Callable[[tuple[int, ...], int, int], str]:
    """`text(words, pc, width)`: an instruction of these operands, as a source writes it."""

    def text(words: tuple[int, ...], pc: int, width: int) -> str:
        half, full = 1 << width - 1, 1 << width
        operands = ", ".join(str(word - full if word >= half else word) for word in words)
        return f"{instruction.mnemonic} {operands}"

    return text


@cache
def _prelude(name: str) -> Program:
    """The macro library that every source may use."""
    from looped.lang.parser import parse

    program, errors = parse(read_source(_LIBRARY / name))
    if errors:
        raise SourceError(errors)
    return program


def _width(program: Program, width: int | None, language: Language, chosen: bool) -> int:
    """The width from the argument or, without one, from `.width`.

    If the caller has `chosen` the machine, the source may name another one.
    """
    wanted, width_span = width, None
    for command in (s for s in program.statements if isinstance(s, Command)):
        match command.name, command.arguments:
            case ".machine", (Symbol() as name,):
                if name.name != language.name and not chosen:
                    raise LoopedError(f"this source is already for {language.name}", name.span)
            case ".width", (Number() as number,):
                if width is None:
                    wanted, width_span = number.value, number.span
            case ".machine", _:
                raise LoopedError(
                    ".machine needs a name", command.span, f".machine {language.name}"
                )
            case ".width", _:
                raise LoopedError(".width needs a number", command.span, ".width 16")
    return language.checked(wanted, width_span)
