"""The LLVM module of the loop around the passes of one driver (see `native`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from llvmlite import ir

from looped.engines.lifted.carried import carried
from looped.engines.lifted.code import Code
from looped.engines.lifted.dispatch import Cases, Dispatch
from looped.engines.lifted.instructions import BIT, WORD, Instructions, constant
from looped.engines.lifted.several import Sizes

__all__ = ["module_of_single"]


def module_of_single(
    code: Code, sizes: Sizes, most: tuple[int, int], cases: Cases | None
) -> ir.Module:
    """The module of the function `run`; `most` are the most passes for each one that counts, and
    the most beyond them."""
    return _Writer(code, sizes, cases).write(most)


class _End(NamedTuple):
    """The last block of a pass, what is carried after it, and the columns of its stores."""

    block: ir.Block
    following: list[ir.Value]
    columns: list[ir.Value]


class _Writer:
    """Writes the LLVM module: the loop around a pass."""

    def __init__(self, code: Code, sizes: Sizes, cases: Cases | None) -> None:
        self.code = code
        self.cases = cases
        self.words = sizes.words
        self.carried = carried(code, sizes.words)
        self.cell = ir.IntType(sizes.cell_bits)
        self.module = ir.Module("lifted")
        array = WORD.as_pointer()
        signature = ir.FunctionType(
            WORD, [array, self.cell.as_pointer(), array, array, array, WORD]
        )
        self.function = ir.Function(self.module, signature, "run")
        self.instructions = Instructions(self.module, code, self.cell)
        for argument in self.function.args[:5]:
            argument.add_attribute("noalias")
        self.entry, self.head, self.body, self.latch, self.done = map(
            self.function.append_basic_block, ("entry", "head", "body", "latch", "done")
        )
        self.undo: list[tuple[ir.Value, ir.Value]] = []
        self.abandoned: list[ir.Block] = []

    def write(self, most: tuple[int, int]) -> ir.Module:
        """The module."""
        state, _, stops, mid_instruction, stored, loops = self.function.args
        builder = ir.IRBuilder(self.entry)
        loaded = (
            [builder.load(self._at(builder, array, n)) for n in range(self.words)]
            for array in (state, stops, mid_instruction)
        )
        first, stops, mid_instruction = (self.carried.packed(builder, each) for each in loaded)
        limit = builder.add(builder.mul(loops, constant(most[0])), constant(most[1]))
        builder.branch(self.head)

        builder.position_at_end(self.head)
        count, passes = builder.phi(WORD, "count"), builder.phi(WORD, "passes")
        now = [builder.phi(WORD) for _ in first]
        stores = sum(i.operation == "store" for i in self.code.instructions)
        columns = [builder.phi(WORD) for _ in range(stores)]
        halt = builder.phi(BIT, "halt")
        finished = builder.or_(halt, builder.icmp_unsigned(">=", count, loops))
        finished = builder.or_(finished, builder.icmp_unsigned(">=", passes, limit))
        builder.cbranch(finished, self.done, self.body)

        builder.position_at_end(self.body)
        ends = self._passes(builder, now)
        following, captured, (raised, busy) = self._joined(builder, ends, (stops, mid_instruction))
        stop = builder.icmp_unsigned("!=", raised, constant(0))
        counts = builder.or_(stop, builder.icmp_unsigned("==", busy, constant(0)))
        onward = builder.add(count, builder.zext(counts, WORD))
        another = builder.add(passes, constant(1))
        builder.branch(self.head)

        none = constant(0)
        phis = [count, passes, halt, *now, *columns]
        before = [none, none, ir.Constant(BIT, 0), *first, *[none] * stores]
        after = [onward, another, stop, *following, *captured]
        for phi, start, value in zip(phis, before, after, strict=True):
            phi.add_incoming(start, self.entry)
            phi.add_incoming(value, self.latch)

        builder.position_at_end(self.done)
        result = self._result(builder, count)
        words = self.carried.words(builder, now, range(self.words))
        for array, content in ((state, words), (stored, columns)):
            for number, word in enumerate(content):
                builder.store(word, self._at(builder, array, number))
        builder.ret(result)
        return self.module

    def _passes(self, builder: ir.IRBuilder, now: list[ir.Value]) -> list[_End]:
        """The code of a pass, or that of all cases after the choice of one."""
        if self.cases is None:
            return [self._pass(builder, self.code, now)]
        case = self._chosen(builder, self.cases, now)
        blocks = [self.function.append_basic_block("case") for _ in self.cases.codes]
        whole = self.function.append_basic_block("whole")
        switch = builder.switch(case, whole)
        for number, block in enumerate(blocks):
            switch.add_case(constant(number), block)
        ends = []
        parts = zip([whole, *blocks], [self.code, *self.cases.codes], strict=True)
        for block, code in parts:
            builder.position_at_end(block)
            ends.append(self._pass(builder, code, now))
        return ends

    def _chosen(self, builder: ir.IRBuilder, cases: Cases, now: list[ir.Value]) -> ir.Value:
        """The number of the case: from the table of keys, or by its decisions."""
        dispatch = Dispatch(self.module)
        look, decide, chosen = map(self.function.append_basic_block, ("look", "decide", "chosen"))
        ways = [(builder.block, constant(len(cases.codes)))]
        raised = self._under(builder, now, [*map(constant, self.carried.masks(cases.flags))])
        builder.cbranch(builder.icmp_unsigned("==", raised, constant(0)), look, chosen)
        builder.position_at_end(look)
        (key,) = self._values(builder, cases.key, now)
        row = dispatch.row(builder, key)
        for place in row:
            found, known = dispatch.look_up(builder, place, key)
            ways.append((builder.block, known))
            onward = decide if place is row[-1] else self.function.append_basic_block("onward")
            builder.cbranch(found, chosen, onward)
            builder.position_at_end(onward)
        (decided,) = self._values(builder, cases.choice, now)
        dispatch.keep(builder, row, key, decided)
        ways.append((builder.block, decided))
        builder.branch(chosen)
        builder.position_at_end(chosen)
        blocks, numbers = zip(*ways, strict=True)
        return _one_of(builder, blocks, numbers)

    def _pass(self, builder: ir.IRBuilder, code: Code, now: list[ir.Value]) -> _End:
        """Some code, from the beginning of a pass."""
        values = self._written(builder, code, now)
        stores = [i.operands[0] for i in code.instructions if i.operation == "store"]
        following = self.carried.packed(builder, [values[n] for n in code.following])
        return _End(builder.block, following, [values[n] for n in stores])

    def _values(self, builder: ir.IRBuilder, code: Code, now: list[ir.Value]) -> list[ir.Value]:
        """What some code leaves that stores nothing."""
        values = self._written(builder, code, now)
        return [values[n] for n in code.following]

    def _written(
        self, builder: ir.IRBuilder, code: Code, now: list[ir.Value]
    ) -> dict[int, ir.Value]:
        """The values of some code."""
        self.undo = []
        read = {i.number for i in code.instructions if i.operation == "state"}
        words = self.carried.words(builder, now, read)
        return self.instructions.write(builder, words, self.function.args[1], self, code)

    def _joined(
        self, builder: ir.IRBuilder, ends: Sequence[_End], masks: Sequence[list[ir.Value]]
    ) -> tuple[list[ir.Value], list[ir.Value], list[ir.Value]]:
        """Jump to the latch from all ends. What comes there: the words, the columns, and what the
        words have under each of the `masks`."""
        under = []
        for end in ends:
            builder.position_at_end(end.block)
            under.append([self._under(builder, end.following, own) for own in masks])
            builder.branch(self.latch)
        builder.position_at_end(self.latch)
        blocks = [end.block for end in ends]
        parts = [end.following for end in ends], [end.columns for end in ends], under
        words, columns, raised = (
            [_one_of(builder, blocks, values) for values in zip(*part, strict=True)]
            for part in parts
        )
        return words, columns, raised

    def _result(self, builder: ir.IRBuilder, count: ir.Value) -> ir.Value:
        """How many passes count, or, if one was abandoned, -1 minus that."""
        flips = builder.phi(WORD, "abandoned")
        flips.add_incoming(constant(0), self.head)
        for block in self.abandoned:
            flips.add_incoming(constant(-1), block)
        return builder.xor(count, flips)

    @staticmethod
    def _under(builder: ir.IRBuilder, words: list[ir.Value], masks: list[ir.Value]) -> ir.Value:
        """What words have under their masks. A case mostly leaves zero in the words of flags."""
        result: ir.Value = constant(0)
        for word, mask in zip(words, masks, strict=True):
            if not (isinstance(word, ir.Constant) and word.constant == 0):
                result = builder.or_(result, builder.and_(word, mask))
        return result

    @staticmethod
    def _at(builder: ir.IRBuilder, array: ir.Value, place: int) -> ir.Value:
        return builder.gep(array, [constant(place)])

    def before_access(self, builder: ir.IRBuilder) -> None:
        """Do nothing: guards act at once."""

    def store(self, builder: ir.IRBuilder, column: ir.Value, content: ir.Value) -> None:
        """Replace the packed lanes of a passive column."""
        place = builder.gep(self.function.args[1], [column])
        self.undo.append((place, builder.load(place)))
        builder.store(content if self.cell == WORD else builder.trunc(content, self.cell), place)

    def guard(self, builder: ir.IRBuilder, wrong: ir.Value) -> None:
        """If a value is not zero, undo the stores of this pass and return from the function."""
        failed = self.function.append_basic_block("abandoned")
        self.abandoned.append(failed)
        onward = self.function.append_basic_block("onward")
        bad = builder.icmp_unsigned("!=", wrong, constant(0))
        builder.cbranch(bad, failed, onward)
        builder.position_at_end(failed)
        for place, old in reversed(self.undo):
            builder.store(old, place)
        builder.branch(self.done)
        builder.position_at_end(onward)


def _one_of(
    builder: ir.IRBuilder, blocks: Sequence[ir.Block], values: Sequence[ir.Value]
) -> ir.Value:
    """The value of the block that control comes from."""
    phi = builder.phi(WORD)
    for block, value in zip(blocks, values, strict=True):
        phi.add_incoming(value, block)
    return phi
