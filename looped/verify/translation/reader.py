"""Straight-line code as decision diagrams: every bit of every value, over chosen bits.

Bits in `leaves` are variables; instructions make all others. A bit that no instruction makes, such
as a bit of a cell, or a bit of the state that is not a leaf, is a variable of its own, so every
proof holds for both of its values.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence, Set
from typing import TypeGuard

import numpy as np
import numpy.typing as npt

from looped.diagrams import Diagrams, Node
from looped.engines.lifted.code import Code, Instruction

__all__ = ["WORD", "BitName", "Reader", "from_table", "is_bit", "is_masked"]

WORD = 64

_DISTANCE_BITS = 6
"""Bits of the distance of a shift, 0 to 63."""

BitName = tuple[str, int, int]
"""The name of a variable: ("bit", value, place)."""


class Reader:
    """Bits of values in a space of diagrams.

    `leaves` are bits, (value, place). `ones` has for each value the bits that may be one.
    """

    def __init__(
        self,
        code: Code,
        space: Diagrams,
        leaves: Set[tuple[int, int]],
        ones: Sequence[int],
    ) -> None:
        self.code = code
        self.space = space
        self.leaves = leaves
        self.ones = ones
        self._bits: dict[tuple[int, int], Node] = {}
        self._carries: dict[tuple[int, int], Node] = {}

    def bit(self, value: int, place: int) -> Node:
        """The condition that a bit of a value is one. A value below zero is a word of the state
        that no instruction reads."""
        if not 0 <= place < WORD:
            return self.space.zero
        key = value, place
        if key in self.leaves or value < 0:
            return self.space.variable(("bit", value, place))
        if not self.ones[value] >> place & 1:
            return self.space.zero
        if key not in self._bits:
            self._bits[key] = self._made(self.code.instructions[value], value, place)
        return self._bits[key]

    def word(self, value: int) -> list[Node]:
        """All bits of a value."""
        return [self.bit(value, place) for place in range(WORD)]

    def any(self, value: int) -> Node:
        """The condition that a value is not zero."""
        return functools.reduce(self.space.maximum, self.word(value), self.space.zero)

    def differ(self, first: Node, second: Node) -> Node:
        """The condition that two conditions differ."""
        if self.space.zero in (first, second):
            return second if first == self.space.zero else first
        return self.space.negated(self.space.equals(first, second))

    def below(self, first: list[Node], second: list[Node]) -> Node:
        """The condition that one number is less than another."""
        space, result = self.space, self.space.zero
        for a, b in zip(first, second, strict=True):
            result = space.choose(self.differ(a, b), b, result)
        return result

    def number(self, number: int) -> list[Node]:
        """The bits of a number."""
        return [self.space.one if number >> p & 1 else self.space.zero for p in range(WORD)]

    def _made(self, instruction: Instruction, value: int, place: int) -> Node:
        space, operands = self.space, instruction.operands
        match instruction.operation:
            case "const":
                return space.one if instruction.number >> place & 1 else space.zero
            case "state" | "load":
                return space.variable(("bit", value, place))
            case "and":
                return self._masked(operands, place)
            case "or":
                return self._both(operands, place, space.maximum)
            case "xor":
                return self._both(operands, place, self.differ)
            case "add" | "sub":
                first, second = self._addends(instruction, place)
                differ = self.differ(first, second)
                return self.differ(differ, self._carry(instruction, value, place))
            case "shl" | "shr":
                return self._shifted(instruction, place)
            case "select":
                return self._selected(operands, place)
            case "table":
                return self._entry(instruction, place)
            case "mul" | "ones":
                return self._number(instruction)[place]
        return self._compared(instruction) if place == 0 else space.zero

    def _masked(self, operands: tuple[int, ...], place: int) -> Node:
        """A conjunction. If one side is known to be zero, the proof never builds the other."""
        if is_masked(self.code, operands, place):
            return self.space.zero
        first, second = sorted(operands, key=lambda o: self.code.number(o) is None)
        one = self.bit(first, place)
        return one if one == self.space.zero else self.space.times(one, self.bit(second, place))

    def _selected(self, operands: tuple[int, ...], place: int) -> Node:
        condition, (then, otherwise) = self.any(operands[0]), operands[1:]
        if condition in (self.space.zero, self.space.one):
            return self.bit(then if condition == self.space.one else otherwise, place)
        return self.space.choose(condition, self.bit(then, place), self.bit(otherwise, place))

    def _both(
        self, operands: tuple[int, ...], place: int, combine: Callable[[Node, Node], Node]
    ) -> Node:
        return combine(*(self.bit(operand, place) for operand in operands))

    def _addends(self, instruction: Instruction, place: int) -> tuple[Node, Node]:
        first, second = (self.bit(operand, place) for operand in instruction.operands)
        subtracts = instruction.operation == "sub"
        return first, self.space.negated(second) if subtracts else second

    def _carry(self, instruction: Instruction, value: int, place: int) -> Node:
        """The carry into a place; of a subtraction, a + not b + 1."""
        space = self.space
        known = next((p for p in range(place, 0, -1) if (value, p) in self._carries), 0)
        carry = self._carries.get((value, known))
        if carry is None:
            carry = space.one if instruction.operation == "sub" else space.zero
        for p in range(known, place):
            first, second = self._addends(instruction, p)
            carry = space.choose(self.differ(first, second), carry, first)
            self._carries[value, p + 1] = carry
        return carry

    def _shifted(self, instruction: Instruction, place: int) -> Node:
        """A bit of a shifted word. `validate` shows that the distance is less than 64."""
        value, by = instruction.operands
        down = -1 if instruction.operation == "shl" else 1
        count = self.code.number(by)
        if count is not None:
            return self.bit(value, place + down * count)
        return self._moved(value, place, down, self.word(by)[:_DISTANCE_BITS])

    def _moved(self, value: int, place: int, down: int, distance: list[Node]) -> Node:
        """The bit of a value that is as far from a place as the bits of a distance say."""
        if not 0 <= place < WORD:
            return self.space.zero
        if not distance:
            return self.bit(value, place)
        *lower, far = distance
        if far == self.space.zero:
            return self._moved(value, place, down, lower)
        moved = self._moved(value, place + (down << len(lower)), down, lower)
        return self.space.choose(far, moved, self._moved(value, place, down, lower))

    def _compared(self, instruction: Instruction) -> Node:
        space, operands = self.space, instruction.operands
        if instruction.operation == "negative":
            return self.bit(operands[0], WORD - 1)
        words = [self.word(operand) for operand in operands]
        if instruction.operation == "less":
            return self.below(*words)
        assert instruction.operation == "equal", instruction
        result = space.one
        for a, b in zip(*words, strict=True):
            result = space.times(result, space.equals(a, b))
        return result

    def _number(self, instruction: Instruction) -> list[Node]:
        """A product, or a count of ones: sums of shifted words."""
        operands = instruction.operands
        if instruction.operation == "ones":
            bits = (bit for bit in self.word(operands[0]) if bit != self.space.zero)
            terms = [[bit, *[self.space.zero] * (WORD - 1)] for bit in bits]
        else:
            first, second = map(self.word, operands)
            terms = [
                [self.space.times(bit, f) for f in [*[self.space.zero] * p, *first][:WORD]]
                for p, bit in enumerate(second)
                if bit != self.space.zero
            ]
        return functools.reduce(self._plus, terms) if terms else self.number(0)

    def _plus(self, first: list[Node], second: list[Node]) -> list[Node]:
        space, carry, total = self.space, self.space.zero, []
        for a, b in zip(first, second, strict=True):
            if carry == space.zero in (a, b):
                total.append(space.maximum(a, b))
                continue
            differ = self.differ(a, b)
            total.append(self.differ(differ, carry))
            carry = space.choose(differ, carry, a)
        return total

    def _entry(self, instruction: Instruction, place: int) -> Node:
        table = self.code.tables[instruction.number]
        bits = (len(table) - 1).bit_length()
        chosen = [self.bit(instruction.operands[0], p) for p in range(bits)]
        entries = np.zeros(1 << bits, np.int64)
        entries[: len(table)] = table >> min(place, WORD - 1) & 1
        return from_table(self.space, chosen, entries)


def is_bit(name: object) -> TypeGuard[BitName]:
    """Whether a variable is a bit of a value."""
    return isinstance(name, tuple) and name[0] == "bit"


def is_masked(code: Code, operands: tuple[int, ...], place: int) -> bool:
    """Whether a side of a conjunction is a constant that is zero there."""
    known = [code.number(operand) for operand in operands]
    return any(number is not None and not number >> place & 1 for number in known)


def from_table(space: Diagrams, bits: list[Node], entries: npt.NDArray[np.int64]) -> Node:
    """Entry Σ 2^p · bits[p] of a table of 2^n integers."""
    distinct, place = np.unique(entries, return_inverse=True)
    nodes = [space.number(int(n)) for n in distinct]
    place = place.reshape(-1)
    for bit in reversed(bits):
        half = len(place) // 2
        pairs = place[:half] * len(nodes) + place[half:]
        found, place = np.unique(pairs, return_inverse=True)
        place = place.reshape(-1)
        nodes = [
            space.choose(bit, nodes[high], nodes[low]) if high != low else nodes[low]
            for low, high in (divmod(n, len(nodes)) for n in found.tolist())
        ]
    return nodes[int(place[0])]
