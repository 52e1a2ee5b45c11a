"""The heads of a block against lifted code: whom each column finds, and what that does to it.

Columns are numbers in binary; keys of passive columns are tables over the bits of the number, those
of the driver forms of its lanes. That a column is found is a claim for all numbers at once: its
score lies above that of every other one by the gap.
"""

from __future__ import annotations

import functools
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from looped.engines.exact import Block, Head, Ints
from looped.engines.lifted.conditions import Bit
from looped.verify.certificate.diagrams import Number
from looped.verify.translation.reader import WORD, from_table
from looped.verify.translation.scene import Scene, Story, WrongLift

__all__ = ["Attention"]

_FEW = 64
"""So many different queries are answered by looking at all keys."""


class Attention:
    """The attention of a block, from one cut to the next. Raises WrongLift as it is checked."""

    def __init__(self, story: Story, block: Block, cut: int) -> None:
        self.story = story
        self.block = block
        self.cut = cut
        self.before, self.after = story.cuts[cut], story.cuts[cut + 1]
        self.passive = np.delete(np.arange(story.columns), story.driver)
        self.bits = story.columns.bit_length()  # so that there is a number for nobody
        self.known = story.known.astype(np.int64)
        states = self.before.lanes
        self.known[story.driver] = [0 if isinstance(s, Bit) else 1 if s else -1 for s in states]

    def check(self) -> None:
        """All claims about the block's heads."""
        numbers = [head.number for head in self.block.heads]
        if not set(self.after.captured) <= set(numbers) or set(self.after.found) != set(numbers):
            raise WrongLift("the code has other heads than the model")
        stores = self.story.stores(self.before.end, self.after.end)
        if len(stores) != len(self.after.captured):
            raise WrongLift("the code has other captures than stores")
        captures = dict(zip(self.after.captured, stores, strict=True))
        found = {}
        for head in self.block.heads:
            _Finding(self, head).check_driver()
            found[head.number] = _Finding(self, head).check_passive(captures.get(head.number))
        self._check_silent(found)
        self._check_captures(captures)
        self._check_lanes()

    def what(self, rest: str) -> str:
        """A claim of this block, in words."""
        return f"block {self.cut // 2}, attention: {rest}"

    def _check_silent(self, found: dict[int, Ints]) -> None:
        """Heads together add nothing to a passive column that is not captured."""
        known = self.known
        total = np.zeros(known.shape, np.int64)
        heads = self.block.heads
        if not heads:
            return
        selfs = np.stack([found[h.number] == np.arange(len(known)) for h in heads], axis=1)
        for kind in np.unique(selfs[self.passive], axis=0):
            members = self.passive[(selfs[self.passive] == kind).all(axis=1)]
            own = np.zeros((known.shape[1], known.shape[1]), np.int64)
            own += sum(h.moved for h, s in zip(heads, kind, strict=True) if s)
            self._check_known(known[members], own.any(axis=0))
            total[members] += known[members] @ own.T
        for head in heads:
            others = found[head.number]
            for column in np.unique(others[self.passive]).tolist():
                members = self.passive[others[self.passive] == column]
                members = members[members != column]
                if members.size:
                    row = self._mid_pass(column)
                    self._check_known(row[None], head.moved.any(axis=0))
                    total[members] += head.moved @ row
        if total[self.passive].any():
            raise WrongLift(self.what("passive columns change in every pass"))

    def _mid_pass(self, column: int) -> Ints:
        """What is known of a column that others find."""
        protected = (*self.story.lifted.behaviour.protected, self.story.driver)
        if column not in protected:
            raise WrongLift(self.what(f"column {column} is found and may change"))
        return self.known[column]

    def _check_known(self, rows: Ints, read: npt.NDArray[np.bool_]) -> None:
        if (rows[:, read] == 0).any():
            raise WrongLift(self.what("passive columns are moved lanes that may change"))

    def _check_captures(self, captures: dict[int, int]) -> None:
        """A column that is captured becomes what is stored; those of constants never are."""
        heads = {head.number: head for head in self.block.heads}
        targets: set[int] = set()
        for number, store in captures.items():
            moved = heads[number].moved
            to = set(np.flatnonzero(moved.any(axis=1)).tolist())
            of = set(np.flatnonzero(moved.any(axis=0)).tolist())
            if targets & (to | of):
                raise WrongLift(self.what("two captures may meet in one lane"))
            targets |= to
            self._check_store(heads[number], store, to)

    def _check_store(self, head: Head, store: int, to: set[int]) -> None:
        story, instructions = self.story, self.story.code.instructions
        address, content = instructions[store].operands
        scene = Scene(story, self.cut, store)
        space, reader = scene.space, scene.reader
        fixed = [lane for lane in to if (story.known[self.passive, lane] != 0).any()]
        barred = (story.known[:, fixed] != 0).any(axis=1)
        barred[story.lifted.behaviour.protected] = True
        barred[story.driver] = True
        column = [reader.bit(address, p) for p in range(self.bits)]
        entries = np.zeros(1 << self.bits, np.int64)
        entries[: story.columns] = barred
        scene.exclude(from_table(space, column, entries), self.what("a constant is overwritten"))
        if not to <= story.place.keys():
            raise WrongLift(self.what("a capture changes lanes that are not kept"))
        cell = self._load(address, self.stores_before(store))
        for place in range(WORD):
            scene = Scene(story, self.cut, store)
            space, reader = scene.space, scene.reader
            lane = story.lifted.packed[place] if place < len(story.lifted.packed) else None
            bit = scene.sign(reader.bit(content, place))
            if lane is None:
                scene.require_equal(bit, space.number(-1), self.what("a cell has too many bits"))
                continue
            total = scene.sign(reader.bit(cell, place))
            for source in np.flatnonzero(head.moved[lane]).tolist():
                factor = self._factor(int(head.moved[lane, source]))
                own = self._own(scene, cell, address, source)
                gain = space.minus(scene.lane(source), own)
                total = space.add(total, space.scaled(gain, factor))
            scene.require_equal(bit, total, self.what(f"lane {lane} of captured columns"))

    def _own(self, scene: Scene, cell: int, address: int, source: int) -> int:
        """A lane of the column that is captured, before it is."""
        story = self.story
        if source in story.place:
            return scene.sign(scene.reader.bit(cell, story.place[source]))
        return self._constant(scene, address, source)

    def _constant(self, scene: Scene, column: int, source: int) -> int:
        """A lane of passive columns that is not kept: as it is known of the column."""
        known = self.story.known[self.passive, source].astype(np.int64)
        if (known == known[0]).all():
            return scene.space.number(int(known[0]))
        entries = np.zeros(1 << self.bits, np.int64)
        entries[self.passive] = known
        bits = [scene.reader.bit(column, p) for p in range(self.bits)]
        return from_table(scene.space, bits, entries)

    def _factor(self, moved: int) -> Number:
        factor = Fraction(2 * moved, self.block.moved_two)
        return int(factor) if factor.denominator == 1 else factor

    def stores_before(self, place: int) -> int:
        """The number of stores before a place in the code."""
        return len(self.story.stores(0, place))

    def _load(self, column: int, stores: int) -> int:
        """The load of a column after so many stores."""
        for n, instruction in enumerate(self.story.code.instructions[: self.after.end]):
            if instruction.operation == "load" and instruction.operands == (column,):
                if self.stores_before(n) == stores:
                    return n
        raise WrongLift(self.what(f"column {column} is not loaded"))

    def _check_lanes(self) -> None:
        """The driver's lanes become what heads add to them."""
        for lane in range(len(self.before.lanes)):
            heads = [head for head in self.block.heads if head.moved[lane].any()]
            if not heads and self.before.lanes[lane] == self.after.lanes[lane]:
                continue
            scene = Scene(self.story, self.cut, self.after.end)
            total = scene.lane(lane)
            for head in heads:
                for source in np.flatnonzero(head.moved[lane]).tolist():
                    factor = self._factor(int(head.moved[lane, source]))
                    content = self._content(scene, self.after.found[head.number], source)
                    total = scene.space.add(total, scene.space.scaled(content, factor))
            scene.require_equal(scene.after(lane), total, self.what(f"lane {lane} of the driver"))

    def _content(self, scene: Scene, column: int, source: int) -> int:
        """A lane of the column that the driver finds, which may be itself."""
        story, space = self.story, scene.space
        bits = [scene.reader.bit(column, p) for p in range(self.bits)]
        itself = equal_bits(scene, bits, number_bits(scene, story.driver, self.bits))
        if itself == space.one:
            return scene.lane(source)
        if source in story.place:
            cell = self._load(column, self.stores_before(self.before.end))
            held = scene.sign(scene.reader.bit(cell, story.place[source]))
        else:
            held = self._constant(scene, column, source)
        return space.choose(itself, scene.lane(source), held)


class _Finding:
    """Whom columns find through one head."""

    def __init__(self, attention: Attention, head: Head) -> None:
        self.attention = attention
        self.head = head
        self.story = attention.story
        self.passive = attention.passive
        known = attention.known
        self.keys, self.queries = known @ head.key.T, known @ head.query.T
        free = known[self.passive] == 0
        for matrix in (head.key, head.query):
            if (free @ np.abs(matrix).T).any():
                raise WrongLift(attention.what("keys or queries of passive columns change"))
        self.size = 1 << attention.bits
        unknown = known[self.story.driver] == 0
        self.roams = bool(head.key[:, unknown].any())

    def check_driver(self) -> None:
        """The driver finds the column that the code says."""
        scene = self._scene(self.head.query, self.head.key)
        space = scene.space
        query = [self._form(scene, row) for row in self.head.query]
        score = self._score(scene, query, self._keys(scene))
        column = self.attention.after.found[self.head.number]
        bits = [scene.reader.bit(column, p) for p in range(self.attention.bits)]
        best = space.compose(score, {("i", p): bit for p, bit in enumerate(bits)})
        other = space.negated(equal_bits(scene, self._names(scene, "i"), bits))
        self._check_lead(scene, space.times(other, self._exists(scene, "i")), best, score, "driver")

    def check_passive(self, store: int | None) -> Ints:
        """Passive columns find the driver where a store says so; returns whom else they find."""
        found = self._guessed()
        scene = self._scene(self.head.key, self.head.query)
        space = scene.space
        captured = space.zero
        if store is not None:
            address = self.story.code.instructions[store].operands[0]
            bits = [scene.reader.bit(address, p) for p in range(self.attention.bits)]
            captured = equal_bits(scene, self._names(scene, "j"), bits)
            captured = space.times(captured, self._exists(scene, "j", self.passive))
            if (found != np.arange(len(found)))[self.passive].any():
                own = (found == np.arange(len(found))).astype(np.int64)
                strays = space.negated(self._table(scene, "j", own))
                self._exclude(scene, space.times(captured, strays), "captured column")
        query = [self._table(scene, "j", column) for column in self.queries.T]
        driver = self._sum(scene, query, [self._form(scene, row) for row in self.head.key])
        others = (self.queries * self.keys[found]).sum(axis=1)
        to_driver = self._table(scene, "j", (found == self.story.driver).astype(np.int64))
        uncaptured = space.choose(to_driver, driver, self._table(scene, "j", others))
        best = space.choose(captured, driver, uncaptured)
        wins = space.maximum(captured, to_driver)
        asks = self._exists(scene, "j", self.passive)
        lost = space.times(asks, space.negated(wins))
        self._check_lead(scene, lost, best, driver, "passive columns and the driver")
        keys = [self._table(scene, "i", column) for column in self.keys.T]
        score = self._sum(scene, query, keys)
        same = [self._table(scene, "j", found >> p & 1) for p in range(self.attention.bits)]
        same_column = equal_bits(scene, self._names(scene, "i"), same)
        rival = space.negated(space.times(same_column, space.negated(captured)))
        there = space.times(asks, self._exists(scene, "i", self.passive))
        self._check_lead(scene, space.times(there, rival), best, score, "passive columns")
        return found

    def _guessed(self) -> Ints:
        """Whom passive columns find among constants: themselves, if they can, or the best key."""
        own = (self.queries * self.keys).sum(axis=1)
        most = (np.abs(self.queries) * np.abs(self.keys).max(axis=0)).sum(axis=1)
        found = np.arange(len(own))
        rest = np.flatnonzero((own < most) | (found == self.story.driver))
        asked, member = np.unique(self.queries[rest], axis=0, return_inverse=True)
        if len(asked) > _FEW:
            return found
        scores = asked @ self.keys.T
        if self.roams:
            scores[:, self.story.driver] = np.iinfo(np.int64).min
        answers = scores.argmax(axis=1)
        better = asked[member.reshape(-1)]
        best = answers[member.reshape(-1)]
        gains = (better * self.keys[best]).sum(axis=1) > own[rest]
        found[rest[gains]] = best[gains]
        return found

    def _scene(self, first: Ints, second: Ints) -> Scene:
        """A scene whose variables are in an order that suits scores: lanes of a dimension, then the
        bits of numbers on which keys depend there."""
        attention = self.attention
        scene = Scene(self.story, attention.cut, attention.after.end)
        order = self._bit_order()
        for d in range(len(first)):
            for row in (first[d], second[d]):
                scene.touch(np.flatnonzero(row).tolist())
            for p in order.pop(d, ()):
                self._touch(scene, p)
        for rest in order.values():
            for p in rest:
                self._touch(scene, p)
        return scene

    def _touch(self, scene: Scene, p: int) -> None:
        scene.space.variable(("j", p))
        scene.space.variable(("i", p))

    def _bit_order(self) -> dict[int, list[int]]:
        """For each dimension the bits of column numbers that go best with its keys or queries."""
        numbers = np.arange(self.story.columns)
        bits = 2 * (numbers[:, None] >> np.arange(self.attention.bits) & 1) - 1
        vary = max((self.keys, self.queries), key=lambda m: np.abs(m - m[0]).sum())
        match = np.abs((vary - vary.mean(axis=0)).T @ bits)
        order: dict[int, list[int]] = {}
        for p in range(self.attention.bits):
            best = int(match[:, p].argmax()) if len(match) else 0
            order.setdefault(best, []).append(p)
        return order

    def _names(self, scene: Scene, kind: str) -> list[int]:
        return [scene.space.variable((kind, p)) for p in range(self.attention.bits)]

    def _table(self, scene: Scene, kind: str, entries: Ints) -> int:
        full = np.zeros(self.size, np.int64)
        full[: len(entries)] = entries
        return from_table(scene.space, self._names(scene, kind), full)

    def _exists(self, scene: Scene, kind: str, columns: Ints | None = None) -> int:
        """The condition that a number is that of a column, or of one of some columns."""
        entries = np.zeros(self.story.columns, np.int64)
        entries[slice(None) if columns is None else columns] = 1
        return self._table(scene, kind, entries)

    def _form(self, scene: Scene, row: Ints) -> int:
        """A form of the driver's lanes."""
        space, total = scene.space, scene.space.zero
        for lane in np.flatnonzero(row).tolist():
            total = space.add(total, space.scaled(scene.lane(lane), int(row[lane])))
        return total

    def _keys(self, scene: Scene) -> list[int]:
        """The key of column i, which may be the driver."""
        space = scene.space
        driver = equal_bits(
            scene,
            self._names(scene, "i"),
            number_bits(scene, self.story.driver, self.attention.bits),
        )
        return [
            space.choose(driver, self._form(scene, row), self._table(scene, "i", column))
            for row, column in zip(self.head.key, self.keys.T, strict=True)
        ]

    def _score(self, scene: Scene, query: list[int], key: list[int]) -> int:
        """A score; very low for a number that is no column's."""
        exists = self._exists(scene, "i")
        low = scene.space.number(-(1 << 60))
        return scene.space.choose(exists, self._sum(scene, query, key), low)

    def _sum(self, scene: Scene, query: list[int], key: list[int]) -> int:
        space = scene.space
        products = (space.times(q, k) for q, k in zip(query, key, strict=True))
        return functools.reduce(space.add, products, space.zero)

    def _check_lead(self, scene: Scene, where: int, best: int, score: int, who: str) -> None:
        """Wherever a condition holds, the best score leads by the gap."""
        space = scene.space
        lead = space.choose(where, space.minus(best, score), space.number(self.head.gap))
        enough = space.at_least(lead, space.number(self.head.gap))
        self._exclude(scene, space.negated(enough), who)

    def _exclude(self, scene: Scene, condition: int, who: str) -> None:
        scene.exclude(condition, self.attention.what(f"head {self.head.number} of {who}"))


def number_bits(scene: Scene, number: int, count: int) -> list[int]:
    """A number in binary."""
    return scene.reader.number(number)[:count]


def equal_bits(scene: Scene, first: list[int], second: list[int]) -> int:
    """The condition that two numbers are equal."""
    space, result = scene.space, scene.space.one
    for a, b in zip(first, second, strict=True):
        result = space.times(result, space.equals(a, b))
    return result
