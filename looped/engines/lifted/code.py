"""Straight-line code on 64-bit words: one pass of a lifted model.

An instruction's value is known by its place in the list. Equal instructions are one, except loads
with a store in between.

| operation          | value                                                            |
|--------------------|------------------------------------------------------------------|
| const              | `number`                                                         |
| state              | word `number` of the driver at the beginning of the pass         |
| load (column)      | the packed lanes of a passive column                             |
| table (code)       | entry `code` of table `number`                                   |
| add, sub, mul, and, or, xor, shl, shr | of two values, modulo 2^64                    |
| equal, less        | a == b, a < b as unsigned numbers: 0 or 1                        |
| negative           | the sign of a as a two's complement number: 0 or 1               |
| ones               | how many bits of a are one                                       |
| select (c, a, b)   | a if c is not zero, else b                                       |
| store (column, a)  | replaces the packed lanes of a passive column                    |
| guard (a)          | unless a is zero, abandons the pass and undoes its stores        |
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

__all__ = ["MASK", "Code", "Instruction"]

MASK = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class Instruction:
    """One operation on the values of earlier instructions."""

    operation: str
    operands: tuple[int, ...] = ()
    number: int = 0


@dataclass
class Code:
    """The instructions of one pass, the tables that they read, and the driver's words after it."""

    instructions: list[Instruction] = field(default_factory=list)
    tables: list[npt.NDArray[np.int64]] = field(default_factory=list)
    following: list[int] = field(default_factory=list)
    _known: dict[Instruction, int] = field(default_factory=dict, repr=False)

    def emit(self, operation: str, *operands: int, number: int = 0) -> int:
        """Append an instruction, unless an equal one is there; returns its place, the value."""
        instruction = Instruction(operation, operands, number)
        if instruction in self._known:
            return self._known[instruction]
        place = len(self.instructions)
        self.instructions.append(instruction)
        if operation == "store":
            self._known = {i: p for i, p in self._known.items() if i.operation != "load"}
        elif operation != "guard":
            self._known[instruction] = place
        return place

    def const(self, number: int) -> int:
        """A constant, modulo 2^64."""
        return self.emit("const", number=number & MASK)

    def number(self, value: int) -> int | None:
        """The number that a value is, None if it is not a constant."""
        instruction = self.instructions[value]
        return instruction.number if instruction.operation == "const" else None

    def shift(self, value: int, left: int) -> int:
        """A value shifted left, or right if `left` is negative."""
        known = self.number(value)
        if left == 0:
            return value
        if known is not None:
            return self.const(known << left if left > 0 else known >> -left)
        return self.emit("shl" if left > 0 else "shr", value, self.const(abs(left)))

    def both(self, first: int, second: int) -> int:
        """Bitwise and."""
        for a, b in ((first, second), (second, first)):
            if self.number(a) == 0 or self.number(b) == MASK:
                return a
        return self.emit("and", first, second)

    def either(self, first: int, second: int) -> int:
        """Bitwise or."""
        for a, b in ((first, second), (second, first)):
            if self.number(a) == 0:
                return b
        return self.emit("or", first, second)

    def exclusive(self, first: int, second: int) -> int:
        """Bitwise exclusive or."""
        for a, b in ((first, second), (second, first)):
            if self.number(a) == 0:
                return b
        return self.emit("xor", first, second)

    def plus(self, first: int, second: int) -> int:
        """Sum."""
        for a, b in ((first, second), (second, first)):
            if self.number(a) == 0:
                return b
        return self.emit("add", first, second)

    def mask(self, value: int, bits: int) -> int:
        """A value with all bits cleared that are not in the mask `bits`."""
        return self.both(value, self.const(bits))
