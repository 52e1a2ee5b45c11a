"""What reads and writes do according to the circuit: the other side of every claim about heads.

A read puts the word at its address into idle lanes, or adds it to a live word, or subtracts it from
one. A write replaces the word in the column of its address. Nothing else changes. This file knows
no heads, scores or weights.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from looped.circuit.circuit import Read, Write
from looped.circuit.words import Lane
from looped.diagrams import Node
from looped.verify.certificate.attention_state import AttentionState, is_device, is_register_file
from looped.verify.certificate.claims import ClaimFailed
from looped.verify.certificate.column_lanes import KeyClass
from looped.verify.certificate.columns import POSITION, ColumnClass
from looped.verify.certificate.induction import Content, Fixed, Held, Induction, Statement
from looped.verify.certificate.phases import LaneIndex, after_attention, before_attention
from looped.verify.certificate.reachable import possible
from looped.verify.certificate.winners import Winner

__all__ = ["MemoryAccess"]


@dataclass(frozen=True)
class MemoryAccess:
    """The reads and writes of a block, in a state.

    `reads` maps each lane that a read makes to the read and the bit; `before` and `after` are the
    statements about all lanes of the state's columns.
    """

    state: AttentionState
    before: Sequence[Statement]
    after: Sequence[Statement]
    reads: Mapping[Lane, tuple[Read, int]]
    writes: Sequence[Write]

    @classmethod
    def of(cls, state: AttentionState, block: int) -> MemoryAccess | ClaimFailed:
        """The reads and writes of a block, if all lanes that they need are live."""
        induction = Induction(state.context)
        phase = after_attention(block)
        reads = state.context.schedule.reads.get(phase, [])
        writes = state.context.schedule.writes.get(phase, [])
        results = {lane: (read, i) for read in reads for i, lane in enumerate(read.result)}
        there = {*state.before.values(), *results}
        accesses: list[Read | Write] = [*writes, *reads]
        for access in accesses:
            onto = access.onto or () if isinstance(access, Read) else ()
            missing = [lane for lane in (*access.lanes(), *onto) if lane not in there]
            if missing:
                return ClaimFailed(f"`{access.name}` needs `{missing[0]}`, which is not live")
        before = induction.at(before_attention(block), state.columns)
        return cls(state, before, induction.at(phase, state.columns), results, writes)

    def expected(self, lane: int) -> Node | ClaimFailed:
        """What a lane holds after the reads and writes by its statement, if that is always ±1."""
        state = self.state
        stated = self.after[lane]
        if isinstance(stated, Fixed):
            return state.space.number(stated.sign)
        if isinstance(stated, Held) and stated.lane in self.reads:
            return self._read_lane(*self.reads[stated.lane])
        if isinstance(stated, Content) and not is_device(state.context, state.columns):
            return self._written(lane)
        if stated != self.before[lane]:
            name = state.context.plan.lane_name(lane)
            return ClaimFailed(
                f"{name} is live after attention but was neither live before nor read"
            )
        return state.old(lane)

    def written(self) -> Node:
        """The condition that some write of the block goes to the column."""
        space = self.state.space
        total = space.zero
        if not is_device(self.state.context, self.state.columns):
            for write in self.writes:
                total = space.maximum(total, self._addressed(write))
        return total

    def _read_lane(self, read: Read, bit: int) -> Node | ClaimFailed:
        """A lane of the CPU that a read fills, or adds to a word that is live."""
        if read.onto is None:
            return self._content(read, bit)
        state = self.state
        space = state.space
        total = space.zero
        below: Read | None = read
        while below is not None:
            content = self._content(below, bit)
            if isinstance(content, ClaimFailed):
                return content
            word = space.add(content, space.one)
            total = space.add(total, space.scaled(word, -1 if below.negated else 1))
            assert below.onto is not None
            lower = below.onto[bit]
            below = self.reads[lower][0] if lower in self.reads else None
        total = space.add(total, state.signed(state.semantics.lane(lower)))
        return self._a_sign(total, f"`{read.name}` may make a sum that is not a bit")

    def _a_sign(self, total: Node, otherwise: str) -> Node | ClaimFailed:
        """A sum, if it is -1 or +1 in every reachable state."""
        state = self.state
        strays = state.space.negated(state.space.among(total, (-1, 1)))
        if possible(state.context, state.semantics, strays):
            return ClaimFailed(otherwise)
        return total

    def _content(self, read: Read, bit: int) -> Node | ClaimFailed:
        """A bit of the word at an address: in memory, in the device columns or in the file."""
        state = self.state
        space = state.space
        word = POSITION if read.offset == 0 else f"{POSITION}-{read.offset}"
        value = state.context.value()[read.first + bit]
        total, left = space.zero, self._reads_at_all(read)
        idle = space.negated(left)
        for columns in state.classes:
            winner = self._at(read, KeyClass(columns, word))
            left = space.minus(left, winner.condition)
            held = state.signed(state.winners_lane(winner, value))
            total = space.add(total, space.times(winner.condition, held))
        if left != space.zero:
            return ClaimFailed(f"`{read.name}` may read a column that does not exist")
        return space.minus(total, idle)

    def _reads_at_all(self, read: Read) -> Node:
        """The condition that a read copies a word; it leaves -1 in all lanes if it does not."""
        state = self.state
        return state.space.one if read.when is None else state.semantics.lane(read.when[0])

    def _at(self, read: Read, keys: KeyClass) -> Winner:
        """The column of a class at the address of a read; its condition: the address names one of
        that class."""
        state = self.state
        space = state.space
        columns = keys.columns
        condition = self._names_class(read, columns)
        code = []
        places = state.context.plan.words[keys.basis]
        for place, address in zip_longest(places, read.address):
            asks = space.zero if address is None else state.semantics.lane(address)
            if place in columns.fixed:
                same = asks if columns.fixed[place] > 0 else space.negated(asks)
                condition = space.times(condition, same)
            else:
                code.append(asks)
        return Winner(keys, condition, tuple(space.times(condition, bit) for bit in code))

    def _names_class(self, read: Read, columns: ColumnClass) -> Node:
        """The condition that a read names the kind of these columns: device, register or memory."""
        state = self.state
        if is_register_file(state.context, columns) != read.in_registers:
            return state.space.zero
        port = state.semantics.lane(read.port[0]) if read.port else state.space.zero
        named = port if is_device(state.context, columns) else state.space.negated(port)
        return state.space.times(self._reads_at_all(read), named)

    def _written(self, lane: int) -> Node | ClaimFailed:
        """What a lane of a memory word or a register holds after all writes."""
        state = self.state
        space = state.space
        old = total = state.old(lane)
        bit = state.context.value().index(LaneIndex(lane))
        for write in self.writes:
            new = state.signed(state.semantics.lane(write.value[bit]))
            change = space.times(self._addressed(write), space.minus(new, old))
            total = space.add(total, change)
        return self._a_sign(total, "two writes may meet in one column")

    def _addressed(self, write: Write) -> Node:
        """The condition that the write goes to the column."""
        state = self.state
        space = state.space
        in_file = state.semantics.lane(write.in_registers[0]) if write.in_registers else space.zero
        hit = in_file if is_register_file(state.context, state.columns) else space.negated(in_file)
        if write.when is not None:
            hit = space.times(hit, state.semantics.lane(write.when[0]))
        lanes = state.context.plan.words[POSITION]
        for place, address in zip(lanes, write.address, strict=True):
            own = state.lanes.lane(place, state.columns, "query", POSITION)
            hit = space.times(hit, space.equals(own, state.semantics.lane(address)))
        return hit
