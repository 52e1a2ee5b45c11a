"""Decision diagrams whose terminals are numbers: functions of ±1 variables in a normal form.

They are reduced and ordered (Bryant 1986), with exact numbers as terminals (Clarke et al. 1993,
Bahar et al. 1993: ADDs). A condition is a diagram with the terminals 0 and 1. Within one `Diagrams`
every function has one node number, so that a proof for all 2^n states is a comparison of two
integers.

Thresholds of integer sums are built top-down. Each node keeps the interval of bounds for which it
is right (Abío et al. 2012), so that equal sub-functions are found before they are expanded.
"""

from __future__ import annotations

import bisect
import functools
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple, NewType

from looped.errors import LoopedError

__all__ = ["Branch", "Diagrams", "Node", "Number", "TooLarge", "Work"]

Node = NewType("Node", int)
"""A function of one space: equal functions are one node. It means nothing in another space."""

Number = int | Fraction
Operation = Callable[[Number, Number], Number]

_END = 1 << 60
"""The level of terminals, after that of every variable; also a bound beyond every sum."""

_LIMIT = 600_000
"""Nodes of one space; the proofs for RV32I need 47,000 at most (32,768 words), those for RV32IM
with two regions more than 150,000."""

_STEPS = 3_000_000
"""Steps in one space; the proofs for RV32I need 75,000 at most."""


class Branch(NamedTuple):
    """A function by its first variable: `high` where the variable is +1, else `low`."""

    name: object
    low: Node
    high: Node


class TooLarge(LoopedError):
    """A function has no small diagram in the chosen order of variables."""


class Work:
    """A budget of steps, for one space of diagrams or for several together."""

    def __init__(self, steps: int = _STEPS) -> None:
        self.left = steps


class Diagrams:
    """A space of functions over variables, in the order in which `variable` first saw them."""

    def __init__(self, work: Work | None = None) -> None:
        self._work = work or Work()
        self._limit = _LIMIT
        self.levels: dict[object, int] = {}
        self.names: list[object] = []
        self._level: list[int] = []
        self._low: list[Node] = []
        self._high: list[Node] = []
        self._value: dict[Node, Number] = {}
        self._terminals: dict[Number, Node] = {}
        self._unique: dict[tuple[int, Node, Node], Node] = {}
        self._applied: dict[tuple[object, Node, Node], Node] = {}
        self._thresholds: dict[tuple[tuple[int, int], ...], _Threshold] = {}
        self.zero, self.one = self.number(0), self.number(1)

    @property
    def size(self) -> int:
        """How many nodes there are."""
        return len(self._level)

    def number(self, value: Number) -> Node:
        """The constant function."""
        node = self._terminals.get(value)
        if node is None:
            node = self._append(_END, Node(0), Node(0))
            self._terminals[value] = node
            self._value[node] = value
        return node

    def variable(self, name: object) -> Node:
        """The condition that a variable is +1; a new name comes last in the order."""
        level = self.levels.setdefault(name, len(self.names))
        if level == len(self.names):
            self.names.append(name)
        return self._node(level, self.zero, self.one)

    def _append(self, level: int, low: Node, high: Node) -> Node:
        if len(self._level) > self._limit:
            raise TooLarge(f"a diagram has more than {self._limit:,} nodes")
        self._level.append(level)
        self._low.append(low)
        self._high.append(high)
        return Node(len(self._level) - 1)

    def _node(self, level: int, low: Node, high: Node) -> Node:
        if low == high:
            return low
        key = (level, low, high)
        node = self._unique.get(key)
        if node is None:
            node = self._unique[key] = self._append(level, low, high)
        return node

    def _apply(
        self, name: str, function: Callable[[Number, Number], Number], a: Node, b: Node
    ) -> Node:
        key = (name, a, b)
        found = self._applied.get(key)
        if found is not None:
            return found
        self._work.left -= 1
        if self._work.left < 0:
            raise TooLarge("a proof takes too many steps on diagrams")
        level_a, level_b = self._level[a], self._level[b]
        if level_a == level_b == _END:
            result = self.number(function(self._value[a], self._value[b]))
        else:
            level = min(level_a, level_b)
            a0, a1 = (self._low[a], self._high[a]) if level_a == level else (a, a)
            b0, b1 = (self._low[b], self._high[b]) if level_b == level else (b, b)
            low = self._apply(name, function, a0, b0)
            result = self._node(level, low, self._apply(name, function, a1, b1))
        self._applied[key] = result
        return result

    def add(self, a: Node, b: Node) -> Node:
        """`a + b`."""
        if a == self.zero or b == self.zero:
            return b if a == self.zero else a
        return self._apply("add", operator.add, min(a, b), max(a, b))

    def times(self, a: Node, b: Node) -> Node:
        """`a · b`; the conjunction, if both are conditions."""
        if self.zero in (a, b):
            return self.zero
        if self.one in (a, b):
            return a if b == self.one else b
        return self._apply("times", operator.mul, min(a, b), max(a, b))

    def scaled(self, a: Node, factor: Number) -> Node:
        """A function times a number."""
        return self.times(a, self.number(factor))

    def minus(self, a: Node, b: Node) -> Node:
        """`a - b`."""
        return self.add(a, self.scaled(b, -1))

    def maximum(self, a: Node, b: Node) -> Node:
        """The larger of two functions, state by state; the disjunction of conditions."""
        return self._apply("max", max, min(a, b), max(a, b))

    def at_least(self, a: Node, b: Node) -> Node:
        """The condition `a ≥ b`."""
        return self._apply("ge", lambda x, y: int(x >= y), a, b)

    def equals(self, a: Node, b: Node) -> Node:
        """The condition `a = b`."""
        return self._apply("eq", lambda x, y: int(x == y), min(a, b), max(a, b))

    def among(self, a: Node, values: Iterable[Number]) -> Node:
        """The condition that a function takes one of some values."""
        conditions = (self.equals(a, self.number(value)) for value in values)
        return functools.reduce(self.maximum, conditions, self.zero)

    def negated(self, condition: Node) -> Node:
        """The condition that another condition does not hold."""
        return self.minus(self.one, condition)

    def choose(self, condition: Node, then: Node, otherwise: Node) -> Node:
        """`then` where a condition holds, else `otherwise`."""
        kept = self.times(self.negated(condition), otherwise)
        return self.add(self.times(condition, then), kept)

    def greatest(self, a: Node, names: Iterable[object]) -> Node:
        """The largest value over all states of some variables, as a function of the others."""
        levels = frozenset(self.levels[n] for n in names if n in self.levels)
        return self._greatest(a, levels, max(levels, default=-1), {})

    def _greatest(self, a: Node, levels: frozenset[int], last: int, done: dict[Node, Node]) -> Node:
        level = self._level[a]
        if level > last:
            return a
        if a not in done:
            low = self._greatest(self._low[a], levels, last, done)
            high = self._greatest(self._high[a], levels, last, done)
            both = self.maximum(low, high) if level in levels else self._node(level, low, high)
            done[a] = both
        return done[a]

    def compose(self, a: Node, substitution: Mapping[object, Node]) -> Node:
        """A function with conditions substituted for variables."""
        by_level = {self.levels[n]: f for n, f in substitution.items() if n in self.levels}
        return self._compose(a, by_level, {}) if by_level else a

    def _compose(self, a: Node, by_level: Mapping[int, Node], done: dict[Node, Node]) -> Node:
        level = self._level[a]
        if level == _END:
            return a
        if a not in done:
            low = self._compose(self._low[a], by_level, done)
            high = self._compose(self._high[a], by_level, done)
            test = by_level.get(level)
            if test is None:
                test = self._node(level, self.zero, self.one)
            done[a] = self.choose(test, high, low)
        return done[a]

    def copied(self, other: Diagrams, a: Node) -> Node:
        """The same function as `a` of another space, over variables of the same names."""
        return self._copied(other, a, {})

    def _copied(self, other: Diagrams, a: Node, done: dict[Node, Node]) -> Node:
        if other._level[a] == _END:
            return self.number(other._value[a])
        if a not in done:
            low, high = (self._copied(other, n, done) for n in (other._low[a], other._high[a]))
            test = self.variable(other.names[other._level[a]])
            level = self._level[test]
            above = level < min(self._level[low], self._level[high])
            done[a] = self._node(level, low, high) if above else self.choose(test, high, low)
        return done[a]

    def values(self, a: Node) -> set[Number]:
        """All values that a function takes."""
        return {self._value[n] for n in self._reached(a) if self._level[n] == _END}

    def support(self, a: Node) -> set[object]:
        """The variables that a function depends on."""
        return {self.names[self._level[n]] for n in self._reached(a) if self._level[n] != _END}

    def _reached(self, a: Node) -> set[Node]:
        found, pending = {a}, [a]
        while pending:
            node = pending.pop()
            if self._level[node] != _END:
                new = {self._low[node], self._high[node]} - found
                found |= new
                pending += new
        return found

    def constant(self, a: Node) -> Number | None:
        """The number that a constant function is, None for any other."""
        return self._value.get(a)

    def branch(self, a: Node) -> Branch | None:
        """A function by its first variable, None for a constant."""
        if self._level[a] == _END:
            return None
        return Branch(self.names[self._level[a]], self._low[a], self._high[a])

    def branches(self, a: Node) -> int:
        """How many branches a function's diagram has."""
        return sum(self._level[n] != _END for n in self._reached(a))

    def state(self, condition: Node) -> dict[object, int]:
        """One state (name to ±1) in which a condition that is not always false holds."""
        found: dict[object, int] = {}
        while self._level[condition] != _END:
            high = self._low[condition] == self.zero
            found[self.names[self._level[condition]]] = 1 if high else -1
            condition = self._high[condition] if high else self._low[condition]
        return found

    def affine(self, terms: Iterable[tuple[Node, Number]], constant: Number) -> Node:
        """`constant + Σ factor · lane`; each lane is given as the condition that it is +1."""
        result = self.number(constant)
        for condition, factor in terms:
            lane = self.add(self.scaled(condition, 2 * factor), self.number(-factor))
            result = self.add(result, lane)
        return result

    def threshold(self, terms: Mapping[object, int], bound: int) -> Node:
        """The condition `Σ factor · variable ≥ bound`, for ±1 variables and integer factors."""
        for name in terms:
            self.variable(name)
        ordered = sorted((self.levels[name], factor) for name, factor in terms.items())
        key = tuple(ordered)
        if key not in self._thresholds:
            self._thresholds[key] = _Threshold(self, ordered)
        return self._thresholds[key].at(bound)

    def table(self, names: Sequence[object], rows: Sequence[int]) -> Node:
        """The condition with a truth table: bit i of a row's number says if `names[i]` is +1."""
        for name in names:
            self.variable(name)
        order = sorted(range(len(names)), key=lambda i: self.levels[names[i]], reverse=True)
        nodes = dict(enumerate(self.one if r else self.zero for r in rows))
        for i in order:
            bit = 1 << i
            level = self.levels[names[i]]
            lower = [k for k in nodes if not k & bit]
            nodes = {k: self._node(level, nodes[k], nodes[k | bit]) for k in lower}
        return nodes[0]


class _Threshold:
    """`Σ factor · variable ≥ bound` for many bounds: for each depth, intervals and their nodes."""

    def __init__(self, space: Diagrams, terms: Sequence[tuple[int, int]]) -> None:
        self.space = space
        self.terms = terms
        self.rest = [0]
        for _, factor in reversed(terms):
            self.rest.append(self.rest[-1] + abs(factor))
        self.rest.reverse()
        self.known: list[list[tuple[int, int, Node]]] = [[] for _ in terms]

    def at(self, bound: int) -> Node:
        return self._build(0, bound)[0]

    def _build(self, depth: int, bound: int) -> tuple[Node, int, int]:
        """The node, and the least and largest bound for which it is the same function."""
        if bound <= -self.rest[depth]:
            return self.space.one, -_END, -self.rest[depth]
        if bound > self.rest[depth]:
            return self.space.zero, self.rest[depth] + 1, _END
        known = self.known[depth]
        place = bisect.bisect_right(known, (bound, _END, 0)) - 1
        if place >= 0 and known[place][1] >= bound:
            first, last, node = known[place]
            return node, first, last
        level, factor = self.terms[depth]
        high, high_first, high_last = self._build(depth + 1, bound - factor)
        low, low_first, low_last = self._build(depth + 1, bound + factor)
        node = self.space._node(level, low, high)
        first = max(high_first + factor, low_first - factor)
        last = min(high_last + factor, low_last - factor)
        bisect.insort(known, (first, last, node))
        return node, first, last
