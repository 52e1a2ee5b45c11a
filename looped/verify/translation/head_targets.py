"""HeadTargets: which column each column attends to through one head, for all states at once.

Columns are numbers in binary. Keys of passive columns are tables over the bits of the number, keys
of the driver are forms of its lanes. That a column attends to another is a claim for all numbers:
its score exceeds every other one by the margin.
"""

from __future__ import annotations

import functools

import numpy as np

from looped.analysis.grid import Ints
from looped.analysis.model import Head
from looped.diagrams import Node
from looped.verify.translation.columns import Columns, equal_bits, number_bits
from looped.verify.translation.cut_state import CutState
from looped.verify.translation.lifted_pass import WrongLift
from looped.verify.translation.reader import from_table

__all__ = ["HeadTargets"]

_FEW = 64
"""The most different queries that are compared with all keys. A bad guess only fails a proof."""


class HeadTargets:
    """Which column each column attends to through one head."""

    def __init__(self, columns: Columns, head: Head) -> None:
        self.columns = columns
        self.head = head
        self.lifted_pass = columns.lifted_pass
        self.passive = columns.passive
        known = columns.known
        self.keys, self.queries = known @ head.key.T, known @ head.query.T
        free = known[self.passive] == 0
        for matrix in (head.key, head.query):
            if (free @ np.abs(matrix).T).any():
                raise WrongLift(columns.what("keys or queries of passive columns change"))
        self.size = 1 << columns.bits
        unknown = known[self.lifted_pass.driver] == 0
        self.roams = bool(head.key[:, unknown].any())

    def check_driver(self) -> None:
        """The driver attends to the column that the code says."""
        state = self._state(self.head.query, self.head.key)
        space = state.space
        query = [self._form(state, row) for row in self.head.query]
        score = self._score(state, query, self._keys(state))
        column = self.columns.after.targets[self.head.number]
        bits = [state.reader.bit(column, p) for p in range(self.columns.bits)]
        best = space.compose(score, {("i", p): bit for p, bit in enumerate(bits)})
        other = space.negated(equal_bits(state, self._names(state, "i"), bits))
        self._check_margin(
            state, space.times(other, self._exists(state, "i")), best, score, "driver"
        )

    def check_passive(self, store: int | None) -> Ints:
        """Passive columns attend to the driver where a store says. Returns their other targets."""
        found = self._guessed()
        state = self._state(self.head.key, self.head.query)
        space = state.space
        captured = space.zero
        if store is not None:
            address = self.lifted_pass.code.instructions[store].operands[0]
            bits = [state.reader.bit(address, p) for p in range(self.columns.bits)]
            captured = equal_bits(state, self._names(state, "j"), bits)
            captured = space.times(captured, self._exists(state, "j", self.passive))
            if (found != np.arange(len(found)))[self.passive].any():
                own = (found == np.arange(len(found))).astype(np.int64)
                strays = space.negated(self._table(state, "j", own))
                self._exclude(state, space.times(captured, strays), "captured column")
        query = [self._table(state, "j", column) for column in self.queries.T]
        driver = self._sum(state, query, [self._form(state, row) for row in self.head.key])
        others = (self.queries * self.keys[found]).sum(axis=1)
        to_driver = self._table(state, "j", (found == self.lifted_pass.driver).astype(np.int64))
        uncaptured = space.choose(to_driver, driver, self._table(state, "j", others))
        best = space.choose(captured, driver, uncaptured)
        wins = space.maximum(captured, to_driver)
        asks = self._exists(state, "j", self.passive)
        lost = space.times(asks, space.negated(wins))
        self._check_margin(state, lost, best, driver, "passive columns and the driver")
        keys = [self._table(state, "i", column) for column in self.keys.T]
        score = self._sum(state, query, keys)
        same = [self._table(state, "j", found >> p & 1) for p in range(self.columns.bits)]
        same_column = equal_bits(state, self._names(state, "i"), same)
        rival = space.negated(space.times(same_column, space.negated(captured)))
        there = space.times(asks, self._exists(state, "i", self.passive))
        self._check_margin(state, space.times(there, rival), best, score, "passive columns")
        return found

    def check_apart(self, found: Ints) -> None:
        """No column attends to one of several drivers that does not capture it.

        `found` are the targets of columns that are not captured.
        """
        driver, what = self.lifted_pass.driver, self.columns.what
        if (found[self.passive] == driver).any():
            raise WrongLift(what("passive columns attend to one of several drivers"))
        state = self._state(self.head.query, self.head.key)
        target = self.columns.after.targets[self.head.number]
        bits = [state.reader.bit(target, p) for p in range(self.columns.bits)]
        itself = equal_bits(state, bits, number_bits(state, driver, self.columns.bits))
        self._exclude(state, itself, "one of several drivers")
        if self.roams:
            self._check_rivals(target)

    def _check_rivals(self, target: int) -> None:
        """The driver's fixed target beats the key of any other driver, whatever its lanes are."""
        driver, what = self.lifted_pass.driver, self.columns.what
        unknown = self.columns.known[driver] == 0
        column = self.lifted_pass.code.number(target)
        if column is None or self.head.query[:, unknown].any():
            raise WrongLift(what("not shown: drivers do not attend to each other"))
        query, reach = self.queries[driver], np.abs(self.head.key) @ unknown
        rival = int(query @ self.keys[driver] + np.abs(query) @ reach)
        if int(query @ self.keys[column]) - rival < self.head.margin:
            raise WrongLift(what("drivers may attend to each other"))

    def _guessed(self) -> Ints:
        """The constant columns that passive columns attend to: themselves, or the one with the best
        key."""
        own = (self.queries * self.keys).sum(axis=1)
        most = (np.abs(self.queries) * np.abs(self.keys).max(axis=0)).sum(axis=1)
        found = np.arange(len(own))
        rest = np.flatnonzero((own < most) | (found == self.lifted_pass.driver))
        asked, member = np.unique(self.queries[rest], axis=0, return_inverse=True)
        if len(asked) > _FEW:
            return found
        scores = asked @ self.keys.T
        if self.roams:
            scores[:, self.lifted_pass.driver] = np.iinfo(np.int64).min
        answers = scores.argmax(axis=1)
        better = asked[member.reshape(-1)]
        best = answers[member.reshape(-1)]
        gains = (better * self.keys[best]).sum(axis=1) > own[rest]
        found[rest[gains]] = best[gains]
        return found

    def _state(self, first: Ints, second: Ints) -> CutState:
        """A state whose variables are in an order that suits scores: lanes of a dimension, then the
        bits of numbers on which keys depend there."""
        state = CutState(self.lifted_pass, self.columns.cut, self.columns.after.end)
        order = self._bit_order()
        for d in range(len(first)):
            for row in (first[d], second[d]):
                state.touch(np.flatnonzero(row).tolist())
            for p in order.pop(d, ()):
                self._touch(state, p)
        for rest in order.values():
            for p in rest:
                self._touch(state, p)
        return state

    def _touch(self, state: CutState, p: int) -> None:
        state.space.variable(("j", p))
        state.space.variable(("i", p))

    def _bit_order(self) -> dict[int, list[int]]:
        """For each dimension the bits of column numbers that its keys or queries follow best."""
        numbers = np.arange(self.lifted_pass.columns)
        bits = 2 * (numbers[:, None] >> np.arange(self.columns.bits) & 1) - 1
        vary = max((self.keys, self.queries), key=lambda m: np.abs(m - m[0]).sum())
        match = np.abs((vary - vary.mean(axis=0)).T @ bits)
        order: dict[int, list[int]] = {}
        for p in range(self.columns.bits):
            best = int(match[:, p].argmax()) if len(match) else 0
            order.setdefault(best, []).append(p)
        return order

    def _names(self, state: CutState, kind: str) -> list[Node]:
        return [state.space.variable((kind, p)) for p in range(self.columns.bits)]

    def _table(self, state: CutState, kind: str, entries: Ints) -> Node:
        full = np.zeros(self.size, np.int64)
        full[: len(entries)] = entries
        return from_table(state.space, self._names(state, kind), full)

    def _exists(self, state: CutState, kind: str, columns: Ints | None = None) -> Node:
        """The condition that a number is the number of a column, or of one in `columns`."""
        entries = np.zeros(self.lifted_pass.columns, np.int64)
        entries[slice(None) if columns is None else columns] = 1
        return self._table(state, kind, entries)

    def _form(self, state: CutState, row: Ints) -> Node:
        """A form of the driver's lanes."""
        space, total = state.space, state.space.zero
        for lane in np.flatnonzero(row).tolist():
            total = space.add(total, space.scaled(state.lane(lane), int(row[lane])))
        return total

    def _keys(self, state: CutState) -> list[Node]:
        """The key of column i, which may be the driver."""
        space = state.space
        driver = equal_bits(
            state,
            self._names(state, "i"),
            number_bits(state, self.lifted_pass.driver, self.columns.bits),
        )
        return [
            space.choose(driver, self._form(state, row), self._table(state, "i", column))
            for row, column in zip(self.head.key, self.keys.T, strict=True)
        ]

    def _score(self, state: CutState, query: list[Node], key: list[Node]) -> Node:
        """A score; very low for a number that no column has."""
        exists = self._exists(state, "i")
        low = state.space.number(-(1 << 60))
        return state.space.choose(exists, self._sum(state, query, key), low)

    def _sum(self, state: CutState, query: list[Node], key: list[Node]) -> Node:
        space = state.space
        products = (space.times(q, k) for q, k in zip(query, key, strict=True))
        return functools.reduce(space.add, products, space.zero)

    def _check_margin(
        self, state: CutState, where: Node, best: Node, score: Node, who: str
    ) -> None:
        """Wherever a condition holds, the best score leads by the margin."""
        space = state.space
        margin = space.choose(where, space.minus(best, score), space.number(self.head.margin))
        enough = space.at_least(margin, space.number(self.head.margin))
        self._exclude(state, space.negated(enough), who)

    def _exclude(self, state: CutState, condition: Node, who: str) -> None:
        state.exclude(condition, self.columns.what(f"head {self.head.number} of {who}"))
