"""Whom columns find through one head, for all columns and all states at once.

Columns are numbers in binary; keys of passive columns are tables over the bits of the number, those
of the driver forms of its lanes. That a column is found is a claim for all numbers: its score lies
above that of every other one by the gap.
"""

from __future__ import annotations

import functools

import numpy as np

from looped.analysis.grid import Ints
from looped.analysis.model import Head
from looped.verify.translation.columns import Columns, equal_bits, number_bits
from looped.verify.translation.reader import from_table
from looped.verify.translation.scene import Scene
from looped.verify.translation.story import WrongLift

__all__ = ["Finding"]

_FEW = 64
"""So many different queries are answered by looking at all keys."""


class Finding:
    """Whom columns find through one head."""

    def __init__(self, columns: Columns, head: Head) -> None:
        self.columns = columns
        self.head = head
        self.story = columns.story
        self.passive = columns.passive
        known = columns.known
        self.keys, self.queries = known @ head.key.T, known @ head.query.T
        free = known[self.passive] == 0
        for matrix in (head.key, head.query):
            if (free @ np.abs(matrix).T).any():
                raise WrongLift(columns.what("keys or queries of passive columns change"))
        self.size = 1 << columns.bits
        unknown = known[self.story.driver] == 0
        self.roams = bool(head.key[:, unknown].any())

    def check_driver(self) -> None:
        """The driver finds the column that the code says."""
        scene = self._scene(self.head.query, self.head.key)
        space = scene.space
        query = [self._form(scene, row) for row in self.head.query]
        score = self._score(scene, query, self._keys(scene))
        column = self.columns.after.targets[self.head.number]
        bits = [scene.reader.bit(column, p) for p in range(self.columns.bits)]
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
            bits = [scene.reader.bit(address, p) for p in range(self.columns.bits)]
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
        same = [self._table(scene, "j", found >> p & 1) for p in range(self.columns.bits)]
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
        scene = Scene(self.story, self.columns.cut, self.columns.after.end)
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
        bits = 2 * (numbers[:, None] >> np.arange(self.columns.bits) & 1) - 1
        vary = max((self.keys, self.queries), key=lambda m: np.abs(m - m[0]).sum())
        match = np.abs((vary - vary.mean(axis=0)).T @ bits)
        order: dict[int, list[int]] = {}
        for p in range(self.columns.bits):
            best = int(match[:, p].argmax()) if len(match) else 0
            order.setdefault(best, []).append(p)
        return order

    def _names(self, scene: Scene, kind: str) -> list[int]:
        return [scene.space.variable((kind, p)) for p in range(self.columns.bits)]

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
            number_bits(scene, self.story.driver, self.columns.bits),
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
        lead = space.choose(where, space.minus(best, score), space.number(self.head.margin))
        enough = space.at_least(lead, space.number(self.head.margin))
        self._exclude(scene, space.negated(enough), who)

    def _exclude(self, scene: Scene, condition: int, who: str) -> None:
        scene.exclude(condition, self.columns.what(f"head {self.head.number} of {who}"))
