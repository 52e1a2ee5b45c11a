"""Cases: one pass of lifted code for each of some outcomes of its decisions, and their dispatch.

A pass that knows the outcome of the decisions needs no code for all others. If no bit of `flags`
is a one, `key` computes a number on which alone the decisions depend, and `choice` the number of
the case. That is the number of all cases if the pass has none; then, and under a flag, the whole
code is executed. What `choice` says of a key is kept in a table, so that a pass mostly needs `key`
only. An entry is one word, (key, 1 + case), so that threads can share the table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from llvmlite import ir

from looped.engines.lifted.code import Code
from looped.engines.lifted.instructions import WORD, constant

__all__ = ["CASE_BITS", "KEY_BITS", "WAYS", "Cases", "Dispatch"]

CASE_BITS = 8
"""Bits of an entry for the case; 0 marks an empty entry."""

KEY_BITS = 64 - CASE_BITS

_INDEX_BITS = 12
"""4,096 rows: a program has fewer different instructions in its loops."""

WAYS = 2
"""Entries of a row. With one, two of 50 instructions share a row in every fourth program, and each
pass of theirs decides again, which takes as long as five passes."""

_SPREAD = 0x9E3779B97F4A7C15
"""2^64 divided by the golden ratio: Knuth's multiplicative hashing (volume 3, section 6.4)."""


@dataclass(frozen=True, slots=True)
class Cases:
    """`flags` are bits of words of the state, masks by the number of the word. `key` and `choice`
    leave one word, the key and the number of the case; `codes` are the passes of the cases. All
    have the state, the cells and the tables of the whole code."""

    flags: Mapping[int, int]
    key: Code
    choice: Code
    codes: tuple[Code, ...]


class Dispatch:
    """The table of known keys, in an LLVM module: rows of entries, the last key of a row first."""

    def __init__(self, module: ir.Module) -> None:
        entries = ir.ArrayType(ir.ArrayType(WORD, WAYS), 1 << _INDEX_BITS)
        self.table = ir.GlobalVariable(module, entries, "cases")
        self.table.linkage = "internal"
        self.table.initializer = ir.Constant(entries, None)

    def row(self, builder: ir.IRBuilder, key: ir.Value) -> list[ir.Value]:
        """The addresses of the entries of a key."""
        index = builder.lshr(builder.mul(key, constant(_SPREAD)), constant(64 - _INDEX_BITS))
        return [builder.gep(self.table, [constant(0), index, constant(n)]) for n in range(WAYS)]

    @staticmethod
    def look_up(builder: ir.IRBuilder, place: ir.Value, key: ir.Value) -> tuple[ir.Value, ir.Value]:
        """Whether an entry is that of a key, and its case."""
        entry = builder.load_atomic(place, "monotonic", 8)
        case = builder.sub(builder.xor(entry, _upper(builder, key)), constant(1))
        return builder.icmp_unsigned("<", case, constant((1 << CASE_BITS) - 1)), case

    @staticmethod
    def keep(builder: ir.IRBuilder, row: list[ir.Value], key: ir.Value, case: ir.Value) -> None:
        """Put an entry before the others of its row; the last one leaves the table."""
        old = [builder.load_atomic(place, "monotonic", 8) for place in row[:-1]]
        entry = builder.or_(_upper(builder, key), builder.add(case, constant(1)))
        for place, content in zip(row, [entry, *old], strict=True):
            builder.store_atomic(content, place, "monotonic", 8)


def _upper(builder: ir.IRBuilder, key: ir.Value) -> ir.Value:
    return builder.shl(key, constant(CASE_BITS))
