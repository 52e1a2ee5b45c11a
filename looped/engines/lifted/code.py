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
    """The instructions of one pass, the tables that they read, and the driver's words after it.

    `limits` has for some values the bits that may be one, beyond what their operands say.
    """

    instructions: list[Instruction] = field(default_factory=list)
    tables: list[npt.NDArray[np.int64]] = field(default_factory=list)
    following: list[int] = field(default_factory=list)
    limits: dict[int, int] = field(default_factory=dict, repr=False)
    _known: dict[Instruction, int] = field(default_factory=dict, repr=False)
    _most: list[int] = field(default_factory=list, repr=False)

    @property
    def most(self) -> list[int]:
        """For each value the bits that may be one. Code that is only folded needs none of them."""
        for place in range(len(self._most), len(self.instructions)):
            bits = self._may_be_one(self.instructions[place])
            self._most.append(self.limits.get(place, MASK) & bits)
        return self._most

    def emit(self, operation: str, *operands: int, number: int = 0, most: int = MASK) -> int:
        """Append an instruction, unless an equal one is there; returns its place, the value.

        `most` are the bits of the value that may be one, if operands do not say so: its limit.
        """
        instruction = Instruction(operation, operands, number)
        if instruction in self._known:
            return self._known[instruction]
        place = len(self.instructions)
        self.instructions.append(instruction)
        if most != MASK:
            self.limits[place] = most
        if operation == "store":
            self._known = {i: p for i, p in self._known.items() if i.operation != "load"}
        elif operation != "guard":
            self._known[instruction] = place
        return place

    def _may_be_one(self, instruction: Instruction) -> int:
        """The bits of a value that may be one, from those of its operands."""
        match instruction.operation, [self._most[operand] for operand in instruction.operands]:
            case "const", _:
                return instruction.number
            case "table", _:
                return int(np.bitwise_or.reduce(self.tables[instruction.number])) & MASK
            case "and", [a, b]:
                return a & b
            case "or" | "xor", [a, b]:
                return a | b
            case "select", [_, a, b]:
                return a | b
            case "shl" | "shr" as operation, [a, _]:
                by = self.number(instruction.operands[1])
                if by is not None:
                    return a << by & MASK if operation == "shl" else a >> by
            case "equal" | "less" | "negative", _:
                return 1
        return MASK

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
            number = self.number(b)
            if self.number(a) == 0 or (number is not None and not self.most[a] & ~number):
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

    def times(self, value: int, factor: int) -> int:
        """A multiple."""
        if factor == 1 or self.number(value) == 0:
            return value
        return self.emit("mul", value, self.const(factor))

    def select(self, condition: int, first: int, second: int) -> int:
        """The first value if the condition is not zero, else the second."""
        if first == second:
            return first
        if self.most[condition] == 1 and self.number(second) == 0 and self.number(first) == 1:
            return condition
        return self.emit("select", condition, first, second)

    def mask(self, value: int, bits: int) -> int:
        """A value with all bits cleared that are not in the mask `bits`."""
        return self.both(value, self.const(bits))
