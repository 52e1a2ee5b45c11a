"""FLEQ a second time, in exact rationals: what one instruction does to a memory.

It is written from docs/fleq.md and shares no code with the reference: numbers are fractions, groups
are cut out of the list of all places, and a root is found by comparing squares.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

__all__ = ["Instruction", "Shape", "after"]

NUMBERS = {
    "mul": 1, "relu": 2, "add": 16, "sub": 17, "copy": 18, "print": 19, "div": 24, "sqrt": 25,
    "rem": 27,
}  # fmt: skip


@dataclass(frozen=True)
class Shape:
    """What a machine is: word format, row stride, workers."""

    width: int
    fraction: int
    side: int
    workers: int


@dataclass(frozen=True)
class Instruction:
    """An instruction by its fields; sizes count from one, selectors are 0, 1 (i), 2 (j), 3 (k)."""

    name: str
    selectors: tuple[int, int, int, int]
    rows: int
    cols: int
    inner: int
    judge: bool
    addresses: tuple[int, int, int, int]
    target: int

    @property
    def words(self) -> list[int]:
        """The six words."""
        bits = f"{int(self.judge):b}{self.inner - 1:04b}{self.cols - 1:04b}{self.rows - 1:04b}"
        a_row, a_col, b_row, b_col = self.selectors
        bits += f"{b_col:02b}{b_row:02b}{a_col:02b}{a_row:02b}{NUMBERS[self.name]:05b}"
        return [int(bits, 2), *self.addresses, self.target]


def after(instruction: Instruction, memory: list[int], shape: Shape) -> tuple[list[int], int]:
    """Memory and program counter after an instruction at 0 that does not overwrite itself."""
    memory = list(memory)
    size = len(memory)
    c, flag = instruction.addresses[2:]
    places = [(i, j) for i in range(shape.side) for j in range(shape.side)]
    for start in range(0, len(places), shape.workers):
        group = places[start : start + shape.workers]
        inside = [(i, j) for i, j in group if i < instruction.rows and j < instruction.cols]
        results = [_result(instruction, memory, shape, i, j) for i, j in inside]
        if instruction.name != "print":
            for (i, j), result in zip(inside, results, strict=True):
                memory[(c + i * shape.side + j) % size] = _word(result, shape)
    taken = instruction.judge and _value(memory[flag % size], shape) <= 0
    return memory, instruction.target % (2 * size) if taken else 6


def _result(instruction: Instruction, memory: list[int], shape: Shape, i: int, j: int) -> Fraction:
    def operand(base: int, row: int, column: int, k: int) -> Fraction:
        index = {0: 0, 1: i, 2: j, 3: k}
        address = base + shape.side * index[row] + index[column]
        return _value(memory[address % len(memory)], shape)

    a_row, a_col, b_row, b_col = instruction.selectors
    a, b = instruction.addresses[:2]
    pairs = [
        (operand(a, a_row, a_col, k), operand(b, b_row, b_col, k)) for k in range(instruction.inner)
    ]
    x, y = pairs[-1]
    unit = Fraction(1, 1 << shape.fraction)
    match instruction.name:
        case "mul":
            total = sum((x * y for x, y in pairs), Fraction(0))
            return math.floor(total / unit + Fraction(1, 2)) * unit
        case "add":
            return x + y
        case "sub":
            return x - y
        case "copy" | "print":
            return x
        case "relu":
            return x if x > 0 else Fraction(0)
        case "div":
            if y == 0:
                return Fraction(-(1 << shape.width) if x < 0 else 1 << shape.width)
            return math.trunc(x / y / unit) * unit
        case "rem":
            return x if y == 0 else x - math.trunc(x / y) * y
        case _:
            return _root(max(x, Fraction(0)), unit)


def _root(x: Fraction, unit: Fraction) -> Fraction:
    """The largest multiple of the unit whose square is at most x, by bisection."""
    low, high = 0, math.ceil((x + 1) / unit)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if (middle * unit) ** 2 <= x else (low, middle)
    return low * unit


def _value(word: int, shape: Shape) -> Fraction:
    signed = word - (1 << shape.width) * (word >> shape.width - 1)
    return Fraction(signed, 1 << shape.fraction)


def _word(value: Fraction, shape: Shape) -> int:
    number = value * (1 << shape.fraction)
    assert number.denominator == 1
    bound = 1 << shape.width - 1
    return max(-bound, min(bound - 1, int(number))) % (1 << shape.width)
