"""Program and instruction set to Image, in two passes: addresses first, then words."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from looped.errors import Diagnostic, LoopedError, Source, SourceError, Span
from looped.image import Image, Location
from looped.isa import INSTRUCTION_SETS, InstructionSet
from looped.isa.isa import Default
from looped.lang.ast import Command, Number, Program, Symbol, Text
from looped.lang.expressions import Bound, evaluate
from looped.lang.macros import Expander, Item
from looped.lang.parser import parse
from looped.lang.sources import read_source

__all__ = ["DEFAULT_MACHINE", "DEFAULT_WIDTH", "assemble", "assemble_file"]

DEFAULT_MACHINE = "subleq"
DEFAULT_WIDTH = 16

_MOST_WORDS = 1 << 20
_MOST_ERRORS = 100
_DEEPEST_CHAIN = 50
_LIBRARY = Path(__file__).parent / "library"


def assemble_file(path: Path, *, width: int | None = None, machine: str | None = None) -> Image:
    """Assemble a source file. Raises FileError if it cannot be read, SourceError as `assemble`."""
    return assemble(read_source(path), width=width, machine=machine)


def assemble(source: Source, *, width: int | None = None, machine: str | None = None) -> Image:
    """Assemble a source; `width` and `machine` override its directives.

    Raises SourceError with everything that is wrong, in the order of the text.
    """
    program, errors = parse(source)
    try:
        isa, bits = _target(program, width, machine)
        expander = Expander(isa, errors=errors)
        expander.define(_prelude(isa.prelude))
        expander.program(program, source.name)
        layout = _Layout(isa, bits, expander.errors)
        layout.place(expander.items)
        words, places = layout.words(expander.items)
        if not words and not expander.errors:
            raise LoopedError("there is nothing to assemble", Span(source, 0, 0))
    except LoopedError as error:
        errors += error.diagnostics
    if errors:
        raise SourceError(_ordered(errors, source))
    symbols = {k: v for k, v in layout.symbols.items() if "@" not in k and "!" not in k}
    return Image(isa.name, bits, tuple(words), symbols, tuple(places))


@cache
def _prelude(name: str) -> Program:
    program, errors = parse(read_source(_LIBRARY / name))
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


def _target(program: Program, width: int | None, machine: str | None) -> tuple[InstructionSet, int]:
    """The instruction set and the width that directives and arguments ask for."""
    isa_name = DEFAULT_MACHINE if machine is None else machine
    wanted = DEFAULT_WIDTH if width is None else width
    machine_span: Span | None = None
    width_span: Span | None = None
    for command in (s for s in program.statements if isinstance(s, Command)):
        match command.name, command.arguments:
            case ".machine", (Symbol() as name,):
                if machine is None:
                    isa_name, machine_span = name.name, name.span
            case ".width", (Number() as number,):
                if width is None:
                    wanted, width_span = number.value, number.span
            case ".machine", _:
                raise LoopedError(".machine needs a name", command.span, ".machine subleq")
            case ".width", _:
                raise LoopedError(".width needs a number", command.span, ".width 16")
    if isa_name not in INSTRUCTION_SETS:
        known = ", ".join(INSTRUCTION_SETS)
        raise LoopedError(f"no machine named `{isa_name}`", machine_span, f"machines: {known}")
    isa = INSTRUCTION_SETS[isa_name]
    if wanted not in isa.widths:
        known = ", ".join(map(str, isa.widths))
        raise LoopedError(f"{isa.name} has no {wanted}-bit words", width_span, f"widths: {known}")
    return isa, wanted


@dataclass
class _Layout:
    """The two passes, and the symbols that they share."""

    isa: InstructionSet
    width: int
    errors: list[Diagnostic]
    symbols: dict[str, int] = field(default_factory=dict)
    _spans: dict[str, Span] = field(default_factory=dict)
    _constants: dict[str, Bound] = field(default_factory=dict)
    _evaluating: list[str] = field(default_factory=list)

    def place(self, items: list[Item]) -> None:
        """First pass: the address of every item, every label, every constant."""
        for item in items:
            if item.kind == ".equ":
                with _Noting(self.errors, item):
                    self._define(item)
        address = 0
        for item in items:
            item.anchor.address = address
            with _Noting(self.errors, item):
                if item.kind == "label" and item.key:
                    self._define(item, address)
                address = self._after(item, address)
                if address > _MOST_WORDS:
                    raise LoopedError(
                        f"the program is longer than {_MOST_WORDS:,} words", item.span
                    )
        for key in self._constants:
            if key not in self.symbols:
                with _Noting(self.errors, None):
                    self._look_up(key, None)

    def words(self, items: list[Item]) -> tuple[list[int], list[Location | None]]:
        """Second pass: the words, and where each comes from."""
        words: list[int] = []
        places: list[Location | None] = []
        for item in items:
            gap = item.anchor.address - len(words)
            words += [0] * gap
            places += [None] * gap
            with _Noting(self.errors, item):
                made = list(self._emit(item))
                words += made
                places += [item.location] * len(made)
        return words, places

    def _define(self, item: Item, address: int | None = None) -> None:
        first = self._spans.get(item.key)
        if first is not None:
            name = item.key[item.key.find("@") :] if "@" in item.key else item.key
            raise LoopedError(f"`{name}` is defined twice", item.span, f"first at {first}")
        self._spans[item.key] = item.span
        if address is not None:
            self.symbols[item.key] = address
        elif isinstance(item.arguments[0], Text):
            raise LoopedError(".equ needs a number", item.arguments[0].span)
        else:
            self._constants[item.key] = item.arguments[0]

    def _after(self, item: Item, address: int) -> int:
        """The address after an item."""
        match item.kind:
            case "label" | ".equ" | ".machine" | ".width":
                return address
            case ".word":
                return address + len(item.arguments)
            case ".ascii" | ".asciz":
                return address + len(_text(item)) + (item.kind == ".asciz")
            case ".zero":
                return address + self._size(item, 0, "words")
            case ".org":
                return self._size(item, address, "the address so far")
        instruction = self.isa.instruction(item.kind)
        assert instruction is not None, item.kind
        return address + len(instruction.operands)

    def _size(self, item: Item, least: int, what: str) -> int:
        if len(item.arguments) != 1 or isinstance(item.arguments[0], Text):
            raise LoopedError(f"{item.kind} needs one number", item.span)
        size = self._number(item.arguments[0])
        span = item.arguments[0].expression.span
        if size < least:
            reason = f"less than {what}, {least}" if least else "negative"
            raise LoopedError(f"{item.kind} {size} is {reason}", span)
        if size > _MOST_WORDS:
            raise LoopedError(f"the program is longer than {_MOST_WORDS:,} words", span)
        return size

    def _emit(self, item: Item) -> Iterator[int]:
        match item.kind:
            case "label" | ".equ" | ".machine" | ".width" | ".org":
                return
            case ".word":
                for argument in item.arguments:
                    yield self._word(argument)
            case ".ascii" | ".asciz":
                yield from _text(item)
                if item.kind == ".asciz":
                    yield 0
            case ".zero":
                yield from [0] * self._size(item, 0, "words")
            case _:
                yield from self._instruction(item)

    def _instruction(self, item: Item) -> Iterator[int]:
        instruction = self.isa.instruction(item.kind)
        assert instruction is not None, item.kind
        operands = instruction.operands
        names = ", ".join(operand.name for operand in operands)
        if len(item.arguments) > len(operands):
            message = f"`{item.kind}` takes at most {len(operands)} operands"
            raise LoopedError(message, item.span, f"{item.kind} {names}")
        for i, operand in enumerate(operands):
            if i < len(item.arguments):
                yield self._word(item.arguments[i])
            elif operand.default is Default.NEXT:
                yield (item.anchor.address + len(operands)) % (1 << self.width)
            elif operand.default is Default.FIRST and item.arguments:
                yield self._word(item.arguments[0])
            else:
                message = f"`{item.kind}` lacks its operand {operand.name}"
                raise LoopedError(message, item.span, f"{item.kind} {names}")

    def _word(self, argument: Bound | Text) -> int:
        if isinstance(argument, Text):
            hint = "text is laid out by .ascii and .asciz"
            raise LoopedError("text stands where a number is needed", argument.span, hint)
        number = self._number(argument)
        lowest, highest = -(1 << (self.width - 1)), (1 << self.width) - 1
        if not lowest <= number <= highest:
            hint = f"{lowest} to {highest}"
            span = argument.expression.span
            raise LoopedError(f"{number} is not a {self.width}-bit word", span, hint)
        return number & highest

    def _number(self, bound: Bound) -> int:
        return evaluate(bound, self._look_up)

    def _look_up(self, key: str, symbol: Symbol | None) -> int:
        if key in self.symbols:
            return self.symbols[key]
        if key in self._evaluating:
            raise LoopedError(f"constant `{key}` is defined by itself", self._spans[key])
        if key in self._constants:
            if len(self._evaluating) >= _DEEPEST_CHAIN:
                message = f"constants defined through more than {_DEEPEST_CHAIN} others"
                raise LoopedError(message, self._spans[key])
            self._evaluating.append(key)
            try:
                self.symbols[key] = evaluate(self._constants[key], self._look_up)
            finally:
                self._evaluating.pop()
            return self.symbols[key]
        assert symbol is not None
        if key in self._spans:
            raise LoopedError(f"`{symbol.name}` is not known here yet", symbol.span)
        raise self._unknown(key, symbol)

    def _unknown(self, key: str, symbol: Symbol) -> LoopedError:
        own = key.removesuffix(symbol.name)
        known = {k.removeprefix(own) if own else k: k for k in self._spans if k.startswith(own)}
        known = {name: k for name, k in known.items() if "!" not in name}
        near = difflib.get_close_matches(symbol.name, known, 1)
        hint = None
        if near:
            hint = f"did you mean `{near[0]}`, defined at {self._spans[known[near[0]]]}?"
        return LoopedError(f"no label named `{symbol.name}`", symbol.span, hint)


class _Noting:
    """Collects a LoopedError raised within, with the expansion that its item came from."""

    def __init__(self, errors: list[Diagnostic], item: Item | None) -> None:
        self._errors = errors
        self._item = item

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if not isinstance(error, LoopedError):
            return False
        for d in error.diagnostics:
            note = self._item.note if self._item and _is_body(self._item, d.span) else None
            hint = "; ".join(part for part in (d.hint, note) if part)
            self._errors.append(Diagnostic(d.message, d.span, hint or None))
        return True


def _is_body(item: Item, span: Span | None) -> bool:
    """Whether a span lies on the line of the item itself, and not in an argument passed to it."""
    if span is None or span.source is not item.span.source:
        return False
    return span.line == item.span.line


def _text(item: Item) -> bytes:
    if not item.arguments or not all(isinstance(a, Text) for a in item.arguments):
        raise LoopedError(f"{item.kind} needs a text", item.span, f'{item.kind} "like this"')
    return b"".join(a.content for a in item.arguments if isinstance(a, Text))
