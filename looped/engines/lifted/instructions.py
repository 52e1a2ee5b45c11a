"""Instructions of straight-line code as LLVM values: a word, or the words of several drivers.

With several `lanes` a value is an LLVM vector, one word for each of as many drivers.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Protocol

import numpy as np
import numpy.typing as npt
from llvmlite import ir

from looped.engines.lifted.code import MASK, Code, Instruction

__all__ = ["BIT", "WORD", "Effects", "Instructions", "constant"]

WORD = ir.IntType(64)
BIT = ir.IntType(1)

_PLAIN = {
    "add": ir.IRBuilder.add,
    "sub": ir.IRBuilder.sub,
    "mul": ir.IRBuilder.mul,
    "and": ir.IRBuilder.and_,
    "or": ir.IRBuilder.or_,
    "xor": ir.IRBuilder.xor,
    "shl": ir.IRBuilder.shl,
    "shr": ir.IRBuilder.lshr,
}


class Effects(Protocol):
    """What instructions without a value do."""

    def guard(self, builder: ir.IRBuilder, wrong: ir.Value) -> None:
        """Abandon the pass unless a value is zero."""

    def store(self, builder: ir.IRBuilder, column: ir.Value, content: ir.Value) -> None:
        """Replace the packed lanes of a passive column."""

    def before_access(self, builder: ir.IRBuilder) -> None:
        """Called before a load: all guards so far must have acted, so that it is in bounds."""


def constant(number: int) -> ir.Constant:
    """A word."""
    return ir.Constant(WORD, number)


_BYTE = ir.IntType(8)


class Instructions:
    """The instructions of some code, in an LLVM module that holds its tables."""

    def __init__(self, module: ir.Module, code: Code, cell: ir.IntType, lanes: int = 1) -> None:
        self.code = code
        self.cell = cell
        self.lanes = lanes
        self.word = WORD if lanes == 1 else ir.VectorType(WORD, lanes)
        self.tables = [_table(module, n, table) for n, table in enumerate(code.tables)]

    def number(self, number: int) -> ir.Constant:
        """A constant, for every driver."""
        if self.lanes == 1:
            return constant(number)
        return ir.Constant(self.word, [constant(number)] * self.lanes)

    def write(
        self,
        builder: ir.IRBuilder,
        now: list[ir.Value],
        cells: ir.Value,
        effects: Effects,
        other: Code | None = None,
    ) -> dict[int, ir.Value]:
        """The values of all instructions, for the state words `now`; or those of `other` code that
        has the same tables."""
        values: dict[int, ir.Value] = {}
        code = self.code if other is None else other
        for place, instruction in enumerate(code.instructions):
            operands = [values[o] for o in instruction.operands if o in values]
            match instruction.operation:
                case "state":
                    values[place] = now[instruction.number]
                case "guard":
                    effects.guard(builder, operands[0])
                case "store":
                    effects.before_access(builder)
                    effects.store(builder, *operands)
                case "load":
                    effects.before_access(builder)
                    values[place] = self.load(builder, cells, operands[0])
                case "table":
                    effects.before_access(builder)
                    table = self.tables[instruction.number]
                    values[place] = self._entry(builder, table, operands[0])
                case _:
                    values[place] = self._value(builder, instruction, operands)
        return values

    def load(self, builder: ir.IRBuilder, cells: ir.Value, column: ir.Value) -> ir.Value:
        """The packed lanes of a passive column."""

        def one(column: ir.Value) -> ir.Value:
            loaded = builder.load(builder.gep(cells, [column]))
            return loaded if loaded.type == WORD else builder.zext(loaded, WORD)

        return self.each(builder, one, column)

    def each(
        self, builder: ir.IRBuilder, function: Callable[[ir.Value], ir.Value], value: ir.Value
    ) -> ir.Value:
        """A function of one word, for every driver."""
        if self.lanes == 1:
            return function(value)
        result: ir.Value = ir.Constant(self.word, ir.Undefined)
        for lane in range(self.lanes):
            at = ir.Constant(ir.IntType(32), lane)
            one = function(builder.extract_element(value, at))
            result = builder.insert_element(result, one, at)
        return result

    def any(self, builder: ir.IRBuilder, value: ir.Value) -> ir.Value:
        """A word that is zero if a value is zero for every driver."""
        if self.lanes == 1:
            return value
        places = (ir.Constant(ir.IntType(32), lane) for lane in range(self.lanes))
        words = (builder.extract_element(value, place) for place in places)
        return functools.reduce(builder.or_, words)

    def _entry(self, builder: ir.IRBuilder, table: ir.Value, index: ir.Value) -> ir.Value:
        def one(index: ir.Value) -> ir.Value:
            entry = builder.load(builder.gep(table, [constant(0), index]))
            return entry if entry.type == WORD else builder.sext(entry, WORD)

        return self.each(builder, one, index)

    def _value(
        self, builder: ir.IRBuilder, instruction: Instruction, operands: list[ir.Value]
    ) -> ir.Value:
        operation = instruction.operation
        if operation in _PLAIN:
            return _PLAIN[operation](builder, *operands)
        if operation == "const":
            return self.number(instruction.number & MASK)
        if operation == "select":
            chosen = builder.icmp_unsigned("!=", operands[0], self.number(0))
            return builder.select(chosen, *operands[1:])
        if operation == "equal":
            return builder.zext(builder.icmp_unsigned("==", *operands), self.word)
        if operation == "less":
            return builder.zext(builder.icmp_unsigned("<", *operands), self.word)
        if operation == "negative":
            return builder.lshr(operands[0], self.number(63))
        assert operation == "ones", operation
        return self.each(builder, builder.ctpop, operands[0])


def _table(module: ir.Module, number: int, table: npt.NDArray[np.int64]) -> ir.Value:
    """The address of a constant array: as a string, for LLVM reads 2^20 numbers one by one."""
    small = (table == table.astype(np.int32)).all()
    entry = ir.IntType(32) if small else WORD
    content = bytearray(table.astype("<i4" if small else "<i8").tobytes())
    result = ir.GlobalVariable(module, ir.ArrayType(_BYTE, len(content)), f"table{number}")
    result.global_constant = True
    result.linkage = "internal"
    result.align = 8
    result.initializer = ir.Constant(result.value_type, content)
    return result.bitcast(ir.ArrayType(entry, len(table)).as_pointer())
