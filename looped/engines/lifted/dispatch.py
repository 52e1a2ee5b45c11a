"""Cases: one pass of lifted code for each of some outcomes of its decisions, and their dispatch.

A pass that knows the outcome of the decisions needs no code for all others. `key` computes a number
on which alone the decisions depend, and `choice` the number of the case, or that of all cases if
the pass has none; then the whole code is executed. What `choice` says of a key is kept in a table,
so that a pass mostly needs `key` only. An entry is one word, (key, 1 + case), so that threads can
share the table.
"""

from __future__ import annotations

from dataclasses import dataclass

from llvmlite import ir

from looped.engines.lifted.code import Code
from looped.engines.lifted.instructions import WORD, constant

__all__ = ["CASE_BITS", "KEY_BITS", "Cases", "Dispatch"]

CASE_BITS = 8
"""Bits of an entry for the case; 0 marks an empty entry."""

KEY_BITS = 64 - CASE_BITS

_INDEX_BITS = 12
"""4,096 entries of 8 bytes: a program has fewer different instructions in its loops."""

_SPREAD = 0x9E3779B97F4A7C15
"""2^64 divided by the golden ratio: Knuth's multiplicative hashing (volume 3, section 6.4)."""


@dataclass(frozen=True, slots=True)
class Cases:
    """`key` and `choice` leave one word, the key and the number of the case; `codes` are the passes
    of the cases. All have the state, the cells and the tables of the whole code."""

    key: Code
    choice: Code
    codes: tuple[Code, ...]


class Dispatch:
    """The table of known keys, in an LLVM module."""

    def __init__(self, module: ir.Module) -> None:
        entries = ir.ArrayType(WORD, 1 << _INDEX_BITS)
        self.table = ir.GlobalVariable(module, entries, "cases")
        self.table.linkage = "internal"
        self.table.initializer = ir.Constant(entries, None)

    def place(self, builder: ir.IRBuilder, key: ir.Value) -> ir.Value:
        """The address of the entry of a key."""
        index = builder.lshr(builder.mul(key, constant(_SPREAD)), constant(64 - _INDEX_BITS))
        return builder.gep(self.table, [constant(0), index])

    @staticmethod
    def look_up(builder: ir.IRBuilder, place: ir.Value, key: ir.Value) -> tuple[ir.Value, ir.Value]:
        """Whether an entry is that of a key, and its case."""
        entry = builder.load_atomic(place, "monotonic", 8)
        case = builder.sub(builder.xor(entry, _upper(builder, key)), constant(1))
        return builder.icmp_unsigned("<", case, constant((1 << CASE_BITS) - 1)), case

    @staticmethod
    def keep(builder: ir.IRBuilder, place: ir.Value, key: ir.Value, case: ir.Value) -> None:
        """Replace the entry."""
        entry = builder.or_(_upper(builder, key), builder.add(case, constant(1)))
        builder.store_atomic(entry, place, "monotonic", 8)


def _upper(builder: ir.IRBuilder, key: ir.Value) -> ir.Value:
    return builder.shl(key, constant(CASE_BITS))
