"""What reads and writes do, by the circuit: the other side of every claim about heads.

A read puts the word at its address into lanes that were idle, or adds it to a word that is there,
or takes it away; a write replaces the word in the column of its address; nothing else changes.
Nothing here knows of heads, scores or weights.
"""

from __future__ import annotations

from itertools import zip_longest

from looped.circuit.circuit import Read, Write
from looped.errors import LoopedError
from looped.verify.certificate.attention_state import Scene, is_device, is_file
from looped.verify.certificate.column_lanes import Asked
from looped.verify.certificate.columns import POSITION, ColumnClass
from looped.verify.certificate.induction import Content, Fixed, Held, Induction, Phase
from looped.verify.certificate.reachable import possible
from looped.verify.certificate.winners import Outcome

__all__ = ["Accesses", "Wrong"]


class Wrong(LoopedError):
    """A lane is not what it should be."""


class Accesses:
    """The reads and writes of a block, in a scene. Raises Wrong if a lane that they need is not
    there."""

    def __init__(self, scene: Scene, block: int) -> None:
        self.scene = scene
        induction = Induction(scene.subject)
        self.before = induction.at(Phase(2 * block - 1), scene.columns)
        self.after = induction.at(Phase(2 * block), scene.columns)
        scheduled = scene.subject.schedule
        reads = scheduled.reads.get(2 * block, [])
        self.reads = {lane: (read, i) for read in reads for i, lane in enumerate(read.result)}
        self.writes: list[Write] = scheduled.writes.get(2 * block, [])
        there = {*scene.before.values(), *self.reads}
        accesses: list[Read | Write] = [*self.writes, *reads]
        for access in accesses:
            onto = access.onto or () if isinstance(access, Read) else ()
            missing = [lane for lane in (*access.lanes(), *onto) if lane not in there]
            if missing:
                raise Wrong(f"`{access.name}` needs `{missing[0]}`, which is not there")

    def expected(self, lane: int) -> int:
        """What a lane holds when they are done, by what is stated of it. Raises Wrong if that may
        be no ±1."""
        scene = self.scene
        stated = self.after[lane]
        if isinstance(stated, Fixed):
            return scene.space.number(stated.sign)
        if isinstance(stated, Held) and stated.lane in self.reads:
            return self._read_lane(stated)
        if isinstance(stated, Content) and not is_device(scene.subject, scene.columns):
            return self._written(lane)
        if stated != self.before[lane]:
            raise Wrong(f"{scene.subject.plan.lane_name(lane)} has a tenant from nowhere")
        return scene.old(lane)

    def _read_lane(self, held: Held) -> int:
        """A lane of the CPU that is read, from nothing or onto what was there."""
        scene = self.scene
        space = scene.space
        read, bit = self.reads[held.lane]
        total = self._content(read, bit)
        if read.onto is None:
            return total
        total = space.zero
        below: Read | None = read
        while below is not None:
            word = space.add(self._content(below, bit), space.one)
            total = space.add(total, space.scaled(word, -1 if below.negated else 1))
            assert below.onto is not None
            lower = below.onto[bit]
            below = self.reads[lower][0] if lower in self.reads else None
        total = space.add(total, scene.signed(scene.meaning.lane(lower)))
        self._check_sign(total, f"`{read.name}` may be added to a word with a one in its place")
        return total

    def _check_sign(self, total: int, fault: str) -> None:
        """Raise Wrong with a fault unless a sum is a lane in every state that can be."""
        scene = self.scene
        strays = scene.space.negated(scene.space.among(total, (-1, 1)))
        if possible(scene.subject, scene.meaning, strays):
            raise Wrong(fault)

    def _content(self, read: Read, bit: int) -> int:
        """A bit of the word at an address: in memory, in the device columns or in the file."""
        scene = self.scene
        space = scene.space
        word = POSITION if read.offset == 0 else f"{POSITION}-{read.offset}"
        value = scene.subject.value()[bit]
        total, left = space.zero, space.one
        for columns in scene.classes:
            outcome = self._at(read, Asked(columns, word))
            left = space.minus(left, outcome.condition)
            held = scene.signed(scene.found(outcome, value))
            total = space.add(total, space.times(outcome.condition, held))
        if left != space.zero:
            raise Wrong(f"`{read.name}` may ask for a column that is not there")
        return total

    def _at(self, read: Read, asked: Asked) -> Outcome:
        """The column of a class at the address of a read, where it names one of that class."""
        scene = self.scene
        space = scene.space
        columns = asked.columns
        condition = self._names_class(read, columns)
        selectors = []
        places = scene.subject.plan.words[asked.basis]
        for place, address in zip_longest(places, read.address):
            asks = space.zero if address is None else scene.meaning.lane(address)
            if place in columns.fixed:
                same = asks if columns.fixed[place] > 0 else space.negated(asks)
                condition = space.times(condition, same)
            else:
                selectors.append(asks)
        return Outcome(asked, condition, tuple(space.times(condition, s) for s in selectors))

    def _names_class(self, read: Read, columns: ColumnClass) -> int:
        """The condition that a read asks for a device column, a register or memory, as these
        columns are."""
        scene = self.scene
        if is_file(scene.subject, columns) != read.file:
            return scene.space.zero
        port = scene.meaning.lane(read.port[0]) if read.port else scene.space.zero
        return port if is_device(scene.subject, columns) else scene.space.negated(port)

    def _written(self, lane: int) -> int:
        """What a lane of a memory word or a register holds when all writes are done."""
        scene = self.scene
        space = scene.space
        old = total = scene.old(lane)
        bit = scene.subject.value().index(lane)
        for write in self.writes:
            new = scene.signed(scene.meaning.lane(write.value[bit]))
            change = space.times(self._addressed(write), space.minus(new, old))
            total = space.add(total, change)
        self._check_sign(total, "two writes may meet in one column")
        return total

    def _addressed(self, write: Write) -> int:
        """The condition that a column is the one that is written to."""
        scene = self.scene
        space = scene.space
        in_file = scene.meaning.lane(write.file[0]) if write.file else space.zero
        hit = in_file if is_file(scene.subject, scene.columns) else space.negated(in_file)
        if write.when is not None:
            hit = space.times(hit, scene.meaning.lane(write.when[0]))
        lanes = scene.subject.plan.words[POSITION]
        for place, address in zip(lanes, write.address, strict=True):
            own = scene.view.lane(place, scene.columns, "query", POSITION)
            hit = space.times(hit, space.equals(own, scene.meaning.lane(address)))
        return hit
