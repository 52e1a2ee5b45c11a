"""Machine code for a pass of several drivers, which have the same code and words of their own.

A pass first computes all drivers, a few at a time as LLVM vectors, and holds back what they store.
So each reads what passive columns hold before the pass; the code loads nothing after its only store
(`check_several`). If a guard of one driver fails, or two drivers store to one column, the pass is
abandoned and nothing has changed. Otherwise all stores and new words take effect.

The function is

    run(state, cells, stops, mid_instruction, stored, scratch, loops) -> c or -1 - c

as in `native`. Word n of driver j is `state[n, j]`. The watched lanes are those of driver 0.
`stored[j]` is the column to which driver j has stored last, the spare one if it has captured none.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from llvmlite import ir

from looped.engines.lifted.code import Code
from looped.engines.lifted.instructions import BIT, WORD, Instructions, constant
from looped.errors import CompileError

__all__ = ["Sizes", "check_several", "module_of_several", "scratch_words"]

_MOST_LANES = 4
"""Words of an AVX2 register."""


class Sizes(NamedTuple):
    """Numbers of state words, of drivers, of passive columns, and of bits of a cell."""

    words: int
    drivers: int
    columns: int
    cell_bits: int


def scratch_words(sizes: Sizes) -> int:
    """The size of `scratch`: new words, stored contents, and when each column was stored to."""
    return sizes.words * sizes.drivers + sizes.drivers + sizes.columns + 1


def check_several(code: Code) -> None:
    """Raise CompileError if drivers in turn might see each other's stores."""
    kinds = [instruction.operation for instruction in code.instructions]
    stores = [place for place, kind in enumerate(kinds) if kind == "store"]
    if len(stores) > 1:
        raise CompileError("several columns compute and store more than once in a pass")
    if stores and "load" in kinds[stores[0] :]:
        raise CompileError("several columns compute and read after they store")


def module_of_several(code: Code, sizes: Sizes, most: tuple[int, int]) -> ir.Module:
    """The LLVM module; `most` bounds the passes of a call, as a multiple of `loops` and beyond."""
    module = ir.Module("lifted")
    group = _Group(module, code, sizes)
    _Run(module, group, sizes).write(most)
    return module


class _Group:
    """The function that computes some drivers, the columns and contents of their stores.

    group(state, following, cells, columns, contents) -> whether a guard fails
    """

    def __init__(self, module: ir.Module, code: Code, sizes: Sizes) -> None:
        cell = ir.IntType(sizes.cell_bits)
        self.instructions = Instructions(module, code, cell, math.gcd(_MOST_LANES, sizes.drivers))
        self.lanes = self.instructions.lanes
        array = WORD.as_pointer()
        kind = ir.FunctionType(BIT, [array, array, cell.as_pointer(), array, array])
        self.function = ir.Function(module, kind, "group")
        self.function.attributes.add("noinline")
        self.failed = self.function.append_basic_block("failed")
        ir.IRBuilder(self.failed).ret(ir.Constant(BIT, 1))
        self.wrong: ir.Value | None = None
        self._write(code, sizes)

    def _write(self, code: Code, sizes: Sizes) -> None:
        state, following, cells, _, _ = self.function.args
        builder = ir.IRBuilder(self.function.append_basic_block("entry"))
        self.function.blocks.insert(0, self.function.blocks.pop())
        starts = [n * sizes.drivers for n in range(sizes.words)]
        now = [builder.load(self._words(builder, state, start), align=8) for start in starts]
        values = self.instructions.write(builder, now, cells, self)
        self.before_access(builder)
        for start, value in zip(starts, code.following, strict=True):
            builder.store(values[value], self._words(builder, following, start), align=8)
        builder.ret(ir.Constant(BIT, 0))

    def guard(self, builder: ir.IRBuilder, wrong: ir.Value) -> None:
        """Abandon the pass before the next access unless a value is zero for all drivers."""
        self.wrong = wrong if self.wrong is None else builder.or_(self.wrong, wrong)

    def before_access(self, builder: ir.IRBuilder) -> None:
        """Leave the function if a guard has failed."""
        if self.wrong is None:
            return
        total = self.instructions.any(builder, self.wrong)
        onward = self.function.append_basic_block("onward")
        bad = builder.icmp_unsigned("!=", total, constant(0))
        builder.cbranch(bad, self.failed, onward)
        builder.position_at_end(onward)
        self.wrong = None

    def store(self, builder: ir.IRBuilder, column: ir.Value, content: ir.Value) -> None:
        """Note a store."""
        for array, value in zip(self.function.args[3:], (column, content), strict=True):
            builder.store(value, self._words(builder, array, 0), align=8)

    def _words(self, builder: ir.IRBuilder, array: ir.Value, start: int) -> ir.Value:
        place = builder.gep(array, [constant(start)])
        return (
            place
            if self.lanes == 1
            else builder.bitcast(place, self.instructions.word.as_pointer())
        )


class _Run:
    """The loop over passes."""

    def __init__(self, module: ir.Module, group: _Group, sizes: Sizes) -> None:
        array, cell = WORD.as_pointer(), ir.IntType(sizes.cell_bits)
        kind = ir.FunctionType(WORD, [array, cell.as_pointer(), *[array] * 4, WORD])
        self.function = ir.Function(module, kind, "run")
        self.group, self.sizes, self.cell = group, sizes, cell
        self.state, self.cells, self.stops, self.quiet, self.stored, scratch, self.loops = (
            self.function.args
        )
        self.entry, self.head, self.body, self.abandoned, self.done = (
            self.function.append_basic_block(name)
            for name in ("entry", "head", "body", "abandoned", "done")
        )
        self.builder = ir.IRBuilder(self.entry)
        words = sizes.words * sizes.drivers
        self.following, self.contents, self.stamps = (
            self.builder.gep(scratch, [constant(start)])
            for start in (0, words, words + sizes.drivers)
        )
        self.count, self.passes, self.raised, self.waits = (
            self.builder.alloca(WORD) for _ in range(4)
        )

    def write(self, most: tuple[int, int]) -> None:
        """Write the function."""
        b = self.builder
        for slot in (self.count, self.passes):
            b.store(constant(0), slot)
        limit = b.add(b.mul(self.loops, constant(most[0])), constant(most[1]))
        b.branch(self.head)
        b.position_at_end(self.head)
        more = b.icmp_unsigned("<", b.load(self.count), self.loops)
        more = b.and_(more, b.icmp_unsigned("<", b.load(self.passes), limit))
        b.cbranch(more, self.body, self.done)
        b.position_at_end(self.body)
        self._add(self.passes, constant(1))
        self._compute()
        if any(i.operation == "store" for i in self.group.instructions.code.instructions):
            self._repeat(self.sizes.drivers, self._claim(self._tick()))
            self._repeat(self.sizes.drivers, self._commit)
        self._repeat(self.sizes.words * self.sizes.drivers, self._settle)
        self._watch()
        b.position_at_end(self.abandoned)
        b.ret(b.not_(b.load(self.count)))
        b.position_at_end(self.done)
        b.ret(b.load(self.count))

    def _compute(self) -> None:
        """Compute all drivers, group by group."""
        b = self.builder
        for start in range(0, self.sizes.drivers, self.group.lanes):
            arrays = (self.state, self.following, self.cells, self.stored, self.contents)
            own = [a if a is self.cells else b.gep(a, [constant(start)]) for a in arrays]
            self._leave_if(b.call(self.group.function, own))

    def _tick(self) -> ir.Value:
        """The number of this pass; the stamp of the spare column keeps it."""
        clock = self.builder.gep(self.stamps, [constant(self.sizes.columns)])
        self._add(clock, constant(1))
        return self.builder.load(clock)

    def _claim(self, now: ir.Value) -> Callable[[ir.Value], None]:
        """Stamp the column that a driver captures; another driver must not have done so."""

        def claim(driver: ir.Value) -> None:
            b = self.builder
            column = b.load(b.gep(self.stored, [driver]))
            stamp = b.gep(self.stamps, [column])
            captures = b.icmp_unsigned("!=", column, constant(self.sizes.columns))
            self._leave_if(b.and_(captures, b.icmp_unsigned("==", b.load(stamp), now)))
            b.store(now, stamp)

        return claim

    def _commit(self, driver: ir.Value) -> None:
        """Store what a driver stores."""
        b = self.builder
        content = b.load(b.gep(self.contents, [driver]))
        held = content if self.cell == WORD else b.trunc(content, self.cell)
        b.store(held, b.gep(self.cells, [b.load(b.gep(self.stored, [driver]))]))

    def _settle(self, word: ir.Value) -> None:
        b = self.builder
        b.store(b.load(b.gep(self.following, [word])), b.gep(self.state, [word]))

    def _watch(self) -> None:
        """Count the pass, and end if driver 0 raises a lane that stops."""
        b = self.builder
        for slot in (self.raised, self.waits):
            b.store(constant(0), slot)

        def look(n: ir.Value) -> None:
            word = b.load(b.gep(self.state, [b.mul(n, constant(self.sizes.drivers))]))
            for slot, masks in ((self.raised, self.stops), (self.waits, self.quiet)):
                b.store(b.or_(b.load(slot), b.and_(word, b.load(b.gep(masks, [n])))), slot)

        self._repeat(self.sizes.words, look)
        stop = b.icmp_unsigned("!=", b.load(self.raised), constant(0))
        counts = b.or_(stop, b.icmp_unsigned("==", b.load(self.waits), constant(0)))
        self._add(self.count, b.zext(counts, WORD))
        b.cbranch(stop, self.done, self.head)

    def _add(self, slot: ir.Value, number: ir.Value) -> None:
        self.builder.store(self.builder.add(self.builder.load(slot), number), slot)

    def _leave_if(self, wrong: ir.Value) -> None:
        """Abandon the pass if a condition holds."""
        onward = self.function.append_basic_block("onward")
        self.builder.cbranch(wrong, self.abandoned, onward)
        self.builder.position_at_end(onward)

    def _repeat(self, count: int, body: Callable[[ir.Value], None]) -> None:
        """`body` for all numbers from 0 to `count` - 1."""
        b, before = self.builder, self.builder.block
        start, after = (self.function.append_basic_block(name) for name in ("repeat", "after"))
        b.branch(start)
        b.position_at_end(start)
        number = b.phi(WORD)
        number.add_incoming(constant(0), before)
        body(number)
        onward = b.add(number, constant(1))
        number.add_incoming(onward, b.block)
        b.cbranch(b.icmp_unsigned("<", onward, constant(count)), start, after)
        b.position_at_end(after)
