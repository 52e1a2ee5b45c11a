"""Statements to memory: instructions from address 0, then matrices, then the constants they use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from looped.errors import Diagnostic, LoopedError
from looped.image import Location
from looped.isa.fleq import WORDS, Operation, encode
from looped.lang.fleq.instructions import Coded, coded, form_of
from looped.lang.fleq.names import Matrix, Names
from looped.lang.fleq.nodes import Instruction, Label, Place, Statement
from looped.lang.fleq.settings import Settings
from looped.lang.fleq.views import View
from looped.lang.language import MOST_WORDS, Placed

__all__ = ["lay_out"]


@dataclass(frozen=True, slots=True)
class _Walk:
    """`next` or `first`: move all pointers into a matrix, or set them back."""

    instruction: Instruction
    matrix: Matrix


@dataclass(frozen=True, slots=True)
class _Pointer:
    """A word of an instruction that walks through a matrix."""

    statement: int
    word: str
    view: View


_Meaning = Coded | _Walk | None
"""What a statement means; None where it is wrong."""


def lay_out(
    statements: Sequence[Statement], settings: Settings, names: Names, errors: list[Diagnostic]
) -> Placed:
    """The memory of a program whose matrices are known; what is wrong is added to `errors`."""
    return _Layout(settings, names, errors).placed(statements)


@dataclass
class _Layout:
    """The passes: names, meanings, addresses, words."""

    settings: Settings
    names: Names
    errors: list[Diagnostic]
    _starts: list[int] = field(default_factory=list)
    _addresses: dict[str, int] = field(default_factory=dict)
    _end: int = 0
    _constants: dict[int, int] = field(default_factory=dict)
    _words: list[int] = field(default_factory=list)
    _places: list[Location | None] = field(default_factory=list)

    def placed(self, statements: Sequence[Statement]) -> Placed:
        """Labels first, so that a branch may go forward; then everything else in order."""
        self._define_labels(statements)
        instructions = [s for s in statements if isinstance(s, Instruction)]
        meanings = [self._meaning(instruction) for instruction in instructions]
        pointers = self._pointers(meanings)
        sizes = [self._size(meaning, pointers) for meaning in meanings]
        self._starts = [len(WORDS) * n for n in accumulate(sizes, initial=0)]
        self._place()
        if not self.errors:
            for instruction, meaning in zip(instructions, meanings, strict=True):
                self._emit(instruction, meaning, pointers)
            self._emit_matrices()
            for word in self._constants:
                self._put(word, None)
        width = self.settings.format.width
        words = tuple(word % (1 << width) for word in self._words)
        symbols = self._symbols()
        constants = frozenset(symbols.keys() - self._addresses.keys())
        return Placed(words, tuple(self._places), symbols, width, constants=constants)

    def _define_labels(self, statements: Sequence[Statement]) -> None:
        """A label is known by the number of the instruction behind it."""
        number = 0
        for statement in statements:
            if isinstance(statement, Label):
                try:
                    self.names.define(statement.name)
                    self.names.labels[statement.name.name] = number
                except LoopedError as error:
                    self.errors += error.diagnostics
            number += isinstance(statement, Instruction)

    def _meaning(self, instruction: Instruction) -> _Meaning:
        try:
            form = form_of(instruction)
            if instruction.mnemonic.name not in ("next", "first"):
                return coded(instruction, self.names, self.settings)
            (operand,) = instruction.operands
            if not isinstance(operand, Place) or operand.parts or operand.transposed:
                raise LoopedError("pointers walk through a whole matrix", operand.span, form.usage)
            if instruction.condition is not None:
                message = f"`{instruction.mnemonic.name}` has no condition"
                raise LoopedError(message, instruction.mnemonic.span, "jle x, label")
            return _Walk(instruction, self.names.matrix(operand.name))
        except LoopedError as error:
            self.errors += error.diagnostics
        return None

    def _pointers(self, meanings: Sequence[_Meaning]) -> dict[str, list[_Pointer]]:
        """The words that walk through each matrix."""
        found: dict[str, list[_Pointer]] = {}
        for number, meaning in enumerate(meanings):
            for word, view in meaning.views.items() if isinstance(meaning, Coded) else ():
                if view is not None and view.step is not None and view.matrix is not None:
                    pointer = _Pointer(number, word, view)
                    found.setdefault(view.matrix.name, []).append(pointer)
        return found

    def _size(self, meaning: _Meaning, pointers: dict[str, list[_Pointer]]) -> int:
        """How many instructions a statement becomes."""
        if not isinstance(meaning, _Walk):
            return 1
        name = meaning.matrix.name
        if name not in pointers:
            span = meaning.instruction.operands[0].span
            hint = f"`{name}[*]` is the row that a pointer is at"
            self.errors.append(Diagnostic(f"no pointer walks through `{name}`", span, hint))
        return len(pointers.get(name, ()))

    def _place(self) -> None:
        """Give every label and every matrix its address; constants stand after the last one."""
        for label, number in self.names.labels.items():
            self._addresses[label] = self._starts[number]
        address = self._starts[-1]
        for matrix in self.names.matrices.values():
            self._addresses[matrix.name] = address
            rows, cols = matrix.shape
            address += (rows - 1) * self.settings.side + cols
            if address > MOST_WORDS:
                message = f"the program is longer than {MOST_WORDS:,} words"
                raise LoopedError(message, matrix.span)
        self._end = address

    def _emit(
        self, instruction: Instruction, meaning: _Meaning, pointers: dict[str, list[_Pointer]]
    ) -> None:
        """The words of a statement."""
        span = instruction.mnemonic.span
        line = Location(span.source.name, span.line)
        if isinstance(meaning, Coded):
            self._instruction(meaning, line)
        elif meaning is not None:
            for pointer in pointers[meaning.matrix.name]:
                self._move(pointer, instruction.mnemonic.name, line)

    def _instruction(self, meaning: Coded, line: Location) -> None:
        zero = self._constant(0) if meaning.operation.judge else 0
        a, b, c, flag = (
            zero if view is None else self._address(view) for view in meaning.views.values()
        )
        p = 0
        if meaning.operation.judge:
            p = -1 if meaning.target is None else self._addresses[meaning.target.name]
        for word in (encode(meaning.operation), a, b, c, flag, p):
            self._put(word, line)

    def _move(self, pointer: _Pointer, mnemonic: str, line: Location) -> None:
        """One instruction that moves a pointer: it writes a word of another instruction."""
        address = self._starts[pointer.statement] + WORDS.index(pointer.word)
        assert pointer.view.step is not None
        if mnemonic == "next":
            other = self._constant(pointer.view.step)
            words = (encode(Operation("add")), address, other, address, 0, 0)
        else:
            other = self._constant(self._address(pointer.view))
            words = (encode(Operation("copy")), other, 0, address, 0, 0)
        for word in words:
            self._put(word, line)

    def _address(self, view: View) -> int:
        if view.matrix is None:
            return self._constant(view.word)
        return self._addresses[view.matrix.name] + view.offset

    def _constant(self, word: int) -> int:
        """The address of a constant; equal ones share it."""
        return self._constants.setdefault(word, self._end + len(self._constants))

    def _emit_matrices(self) -> None:
        for matrix in self.names.matrices.values():
            for i, (row, line) in enumerate(zip(matrix.rows, matrix.lines, strict=True)):
                start = self._addresses[matrix.name] + i * self.settings.side
                while len(self._words) < start:
                    self._put(0, None)
                for word in row:
                    self._put(word, line)

    def _put(self, word: int, line: Location | None) -> None:
        self._words.append(word)
        self._places.append(line)

    def _symbols(self) -> dict[str, int]:
        """Labels and matrices by address, the shape of each matrix, and the settings."""
        symbols = dict(self._addresses)
        for matrix in self.names.matrices.values():
            symbols[f"{matrix.name}.rows"], symbols[f"{matrix.name}.cols"] = matrix.shape
        symbols["fleq.fraction"] = self.settings.format.fraction
        symbols["fleq.side"] = self.settings.side
        return symbols
