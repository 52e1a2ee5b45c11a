"""Items to words in two passes, for machines whose operands take one word each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from looped.errors import Diagnostic, LoopedError
from looped.image import Location
from looped.isa import InstructionSet
from looped.isa.isa import Default
from looped.lang.ast import Text
from looped.lang.expressions import Bound
from looped.lang.items import Item, Noting, text_of
from looped.lang.language import MOST_WORDS, Placed
from looped.lang.symbols import SymbolTable

__all__ = ["DIRECTIVES", "lay_out"]

DIRECTIVES = frozenset({".ascii", ".asciz", ".machine", ".org", ".width", ".word", ".zero"})


def lay_out(isa: InstructionSet, items: list[Item], width: int, errors: list[Diagnostic]) -> Placed:
    """The memory of a program; appends its errors to `errors`."""
    return _Layout(isa, width, errors).placed(items)


@dataclass
class _Layout:
    """The two passes, and the symbols that they share."""

    isa: InstructionSet
    width: int
    errors: list[Diagnostic]
    symbols: SymbolTable = field(default_factory=SymbolTable)

    def placed(self, items: list[Item]) -> Placed:
        """Addresses first, then words."""
        self._place(items)
        words, places = self._words(items)
        public = self.symbols.public()
        constants = frozenset(public.keys() & self.symbols.constants())
        return Placed(tuple(words), tuple(places), public, self.width, constants=constants)

    def _place(self, items: list[Item]) -> None:
        """First pass: the address of every item, every label, every constant."""
        for item in items:
            if item.kind in (".equ", ".set"):
                with Noting(self.errors, item):
                    self.symbols.define(item)
        address = 0
        for item in items:
            item.anchor.address = address
            with Noting(self.errors, item):
                if item.kind == "label" and item.key:
                    self.symbols.define(item)
                    self.symbols.move(item.key, address)
                address = self._after(item, address)
                if address > MOST_WORDS:
                    raise LoopedError(f"the program is longer than {MOST_WORDS:,} words", item.span)
        for key in self.symbols.constants():
            with Noting(self.errors, None):
                self.symbols.look_up(key)

    def _words(self, items: list[Item]) -> tuple[list[int], list[Location | None]]:
        """Second pass: the words, and where each comes from."""
        words: list[int] = []
        places: list[Location | None] = []
        for item in items:
            gap = item.anchor.address - len(words)
            words += [0] * gap
            places += [None] * gap
            with Noting(self.errors, item):
                made = list(self._emit(item))
                words += made
                places += [item.location] * len(made)
        return words, places

    def _after(self, item: Item, address: int) -> int:
        """The address after an item."""
        match item.kind:
            case "label" | ".equ" | ".set" | ".machine" | ".width":
                return address
            case ".word":
                return address + len(item.arguments)
            case ".ascii" | ".asciz":
                return address + len(b"".join(text_of(item))) + (item.kind == ".asciz")
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
        size = self.symbols.number(item.arguments[0])
        span = item.arguments[0].expression.span
        if size < least:
            reason = f"less than {what}, {least}" if least else "negative"
            raise LoopedError(f"{item.kind} {size} is {reason}", span)
        if size > MOST_WORDS:
            raise LoopedError(f"the program is longer than {MOST_WORDS:,} words", span)
        return size

    def _emit(self, item: Item) -> Iterator[int]:
        match item.kind:
            case "label" | ".equ" | ".set" | ".machine" | ".width" | ".org":
                return
            case ".word":
                for argument in item.arguments:
                    yield self._word(argument)
            case ".ascii" | ".asciz":
                yield from b"".join(text_of(item))
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
        number = self.symbols.number(argument)
        lowest, highest = -(1 << (self.width - 1)), (1 << self.width) - 1
        if not lowest <= number <= highest:
            hint = f"{lowest} to {highest}"
            span = argument.expression.span
            raise LoopedError(f"{number} is not a {self.width}-bit word", span, hint)
        return number & highest
