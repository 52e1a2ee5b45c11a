"""The heads of a block against lifted code: what they add to the driver and to passive columns."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import numpy.typing as npt

from looped.analysis.grid import Ints
from looped.analysis.model import Block, Head
from looped.diagrams import Node, Number
from looped.verify.translation.columns import Columns, equal_bits, number_bits
from looped.verify.translation.cut_state import CutState
from looped.verify.translation.head_targets import HeadTargets
from looped.verify.translation.lifted_pass import LiftedPass, WrongLift
from looped.verify.translation.reader import WORD, from_table

__all__ = ["Attention"]


class Attention:
    """The attention of a block, from one cut to the next. `check` raises WrongLift."""

    def __init__(self, lifted_pass: LiftedPass, block: Block, cut: int) -> None:
        self.lifted_pass = lifted_pass
        self.block = block
        self.cut = cut
        self.columns = Columns(lifted_pass, cut)
        self.before, self.after = self.columns.before, self.columns.after
        self.passive, self.bits = self.columns.passive, self.columns.bits
        self.known, self.what = self.columns.known, self.columns.what

    def check(self) -> None:
        """Prove all claims about the block's heads."""
        numbers = [head.number for head in self.block.heads]
        if not set(self.after.captured) <= set(numbers) or set(self.after.targets) != set(numbers):
            raise WrongLift("the code has other heads than the model")
        stores = self.lifted_pass.stores(self.before.end, self.after.end)
        if len(stores) != len(self.after.captured):
            raise WrongLift("the numbers of captures and stores differ")
        captures = dict(zip(self.after.captured, stores, strict=True))
        found = {}
        for head in self.block.heads:
            targets = HeadTargets(self.columns, head)
            targets.check_driver()
            found[head.number] = targets.check_passive(captures.get(head.number))
            if len(self.lifted_pass.lifted.behaviour.drivers) > 1:
                targets.check_apart(found[head.number])
        self._check_silent(found)
        self._check_captures(captures)
        self._check_lanes()

    def _check_silent(self, found: dict[int, Ints]) -> None:
        """The heads together add nothing to a passive column that no store captures."""
        known = self.known
        total = np.zeros(known.shape, np.int64)
        heads = self.block.heads
        if not heads:
            return
        selfs = np.stack([found[h.number] == np.arange(len(known)) for h in heads], axis=1)
        for kind in np.unique(selfs[self.passive], axis=0):
            members = self.passive[(selfs[self.passive] == kind).all(axis=1)]
            own = np.zeros((known.shape[1], known.shape[1]), np.int64)
            own += sum(h.w_ov for h, s in zip(heads, kind, strict=True) if s)
            self._check_known(known[members], np.asarray(own.any(axis=0)))
            total[members] += known[members] @ own.T
        for head in heads:
            others = found[head.number]
            for column in np.unique(others[self.passive]).tolist():
                members = self.passive[others[self.passive] == column]
                members = members[members != column]
                if members.size:
                    row = self._mid_pass(column)
                    self._check_known(row[None], np.asarray(head.w_ov.any(axis=0)))
                    total[members] += head.w_ov @ row
        if total[self.passive].any():
            raise WrongLift(self.what("passive columns change in every pass"))

    def _mid_pass(self, column: int) -> Ints:
        """The known lanes of a column that others attend to."""
        protected = (*self.lifted_pass.lifted.behaviour.protected, self.lifted_pass.driver)
        if column not in protected:
            raise WrongLift(self.what(f"others attend to column {column}, which may change"))
        known: Ints = self.known[column]
        return known

    def _check_known(self, rows: Ints, read: npt.NDArray[np.bool_]) -> None:
        if (rows[:, read] == 0).any():
            raise WrongLift(self.what("a head copies lanes that may change to passive columns"))

    def _check_captures(self, captures: dict[int, int]) -> None:
        """A captured column becomes what the code stores; no store captures a constant column."""
        heads = {head.number: head for head in self.block.heads}
        targets: set[int] = set()
        for number, store in captures.items():
            moved = heads[number].w_ov
            to = set(np.flatnonzero(moved.any(axis=1)).tolist())
            of = set(np.flatnonzero(moved.any(axis=0)).tolist())
            if targets & (to | of):
                raise WrongLift(self.what("two captures may meet in one lane"))
            targets |= to
            self._check_store(heads[number], store, to)

    def _check_store(self, head: Head, store: int, to: set[int]) -> None:
        lifted_pass, instructions = self.lifted_pass, self.lifted_pass.code.instructions
        address, content = instructions[store].operands
        state = CutState(lifted_pass, self.cut, store)
        space, reader = state.space, state.reader
        fixed = [lane for lane in to if (lifted_pass.known[self.passive, lane] != 0).any()]
        barred = (lifted_pass.known[:, fixed] != 0).any(axis=1)
        barred[lifted_pass.lifted.behaviour.protected] = True
        barred[lifted_pass.driver] = True
        column = [reader.bit(address, p) for p in range(self.bits)]
        entries = np.zeros(1 << self.bits, np.int64)
        entries[: lifted_pass.columns] = barred
        state.exclude(
            from_table(space, column, entries), self.what("a store overwrites a constant")
        )
        if not to <= lifted_pass.place.keys():
            raise WrongLift(self.what("a capture changes lanes that no cell holds"))
        cell = self._load(address, self.stores_before(store))
        for place in range(WORD):
            state = CutState(lifted_pass, self.cut, store)
            space, reader = state.space, state.reader
            lane = (
                lifted_pass.lifted.packed[place] if place < len(lifted_pass.lifted.packed) else None
            )
            bit = state.sign(reader.bit(content, place))
            if lane is None:
                state.require_equal(bit, space.number(-1), self.what("a cell has too many bits"))
                continue
            total = state.sign(reader.bit(cell, place))
            for source in np.flatnonzero(head.w_ov[lane]).tolist():
                factor = self._factor(int(head.w_ov[lane, source]))
                own = self._own(state, cell, address, source)
                gain = space.minus(state.lane(source), own)
                total = space.add(total, space.scaled(gain, factor))
            state.require_equal(bit, total, self.what(f"lane {lane} of captured columns"))

    def _own(self, state: CutState, cell: int, address: int, source: int) -> Node:
        """A lane of the captured column, before the store."""
        lifted_pass = self.lifted_pass
        if source in lifted_pass.place:
            return state.sign(state.reader.bit(cell, lifted_pass.place[source]))
        return self._constant(state, address, source)

    def _constant(self, state: CutState, column: int, source: int) -> Node:
        """A lane that cells do not hold: its known sign in a passive column."""
        known = self.lifted_pass.known[self.passive, source].astype(np.int64)
        if (known == known[0]).all():
            return state.space.number(int(known[0]))
        entries = np.zeros(1 << self.bits, np.int64)
        entries[self.passive] = known
        bits = [state.reader.bit(column, p) for p in range(self.bits)]
        return from_table(state.space, bits, entries)

    def _factor(self, moved: int) -> Number:
        factor = Fraction(moved, self.block.ov_one)
        return int(factor) if factor.denominator == 1 else factor

    def stores_before(self, place: int) -> int:
        """The number of stores before a place in the code."""
        return len(self.lifted_pass.stores(0, place))

    def _load(self, column: int, stores: int) -> int:
        """The load of a column after `stores` stores."""
        for n, instruction in enumerate(self.lifted_pass.code.instructions[: self.after.end]):
            loads = instruction.operation == "load" and instruction.operands == (column,)
            if loads and self.stores_before(n) == stores:
                return n
        raise WrongLift(self.what(f"column {column} is not loaded"))

    def _check_lanes(self) -> None:
        """The driver's lanes become what heads add to them."""
        for lane in range(len(self.before.lanes)):
            heads = [head for head in self.block.heads if head.w_ov[lane].any()]
            if not heads and self.before.lanes[lane] == self.after.lanes[lane]:
                continue
            state = CutState(self.lifted_pass, self.cut, self.after.end)
            total = state.lane(lane)
            for head in heads:
                for source in np.flatnonzero(head.w_ov[lane]).tolist():
                    factor = self._factor(int(head.w_ov[lane, source]))
                    content = self._content(state, self.after.targets[head.number], source)
                    total = state.space.add(total, state.space.scaled(content, factor))
            state.require_equal(state.after(lane), total, self.what(f"lane {lane} of the driver"))

    def _content(self, state: CutState, column: int, source: int) -> Node:
        """A lane of the column that the driver attends to, which may be itself."""
        lifted_pass, space = self.lifted_pass, state.space
        bits = [state.reader.bit(column, p) for p in range(self.bits)]
        itself = equal_bits(state, bits, number_bits(state, lifted_pass.driver, self.bits))
        if itself == space.one:
            return state.lane(source)
        if source in lifted_pass.place:
            cell = self._load(column, self.stores_before(self.before.end))
            held = state.sign(state.reader.bit(cell, lifted_pass.place[source]))
        else:
            held = self._constant(state, column, source)
        return space.choose(itself, state.lane(source), held)
