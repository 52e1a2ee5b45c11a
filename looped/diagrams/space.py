"""Decision diagrams with numbers at their ends: functions of ±1 lanes, equal only if identical.

Reduced and ordered (Bryant 1986), with terminals that are exact numbers (Clarke et al. 1993, Bahar
et al. 1993: ADDs). A condition is a diagram with the terminals 0 and 1. Within one `Diagrams` every
function has one node number, so that a proof for all 2^n states is a comparison of two integers.

Thresholds of integer sums are built top-down, each node with the interval of thresholds for which
it is right (Abío et al. 2012), so that equal sub-functions are found before they are expanded.
"""

from __future__ import annotations

import bisect
import functools
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction

from looped.errors import LoopedError

__all__ = ["Diagrams", "Number", "TooLarge", "Work"]

Number = int | Fraction
Operation = Callable[[Number, Number], Number]

_END = 1 << 60
_LIMIT = 150_000
"""Nodes of one space; the proofs for RV32I need 47,000 at most (32,768 words)."""


_STEPS = 3_000_000
"""Steps in one space; the proofs for RV32I need 75,000 at most."""


class TooLarge(LoopedError):
    """A function has no small diagram in the order of variables that was chosen."""


class Work:
    """How many more steps may be taken, in one space of diagrams or in several together."""

    def __init__(self, steps: int = _STEPS) -> None:
        self.left = steps


class Diagrams:
    """A space of functions over variables, in the order in which `variable` first saw them."""

    def __init__(self, work: Work | None = None) -> None:
        self._work = work or Work()
        self.levels: dict[object, int] = {}
        self.names: list[object] = []
        self._level: list[int] = []
        self._low: list[int] = []
        self._high: list[int] = []
        self._value: dict[int, Number] = {}
        self._terminals: dict[Number, int] = {}
        self._unique: dict[tuple[int, int, int], int] = {}
        self._applied: dict[tuple[object, int, int], int] = {}
        self._thresholds: dict[tuple[tuple[int, int], ...], _Threshold] = {}
        self.zero, self.one = self.number(0), self.number(1)

    @property
    def size(self) -> int:
        """How many nodes there are."""
        return len(self._level)

    def number(self, value: Number) -> int:
        """The constant function."""
        node = self._terminals.get(value)
        if node is None:
            node = self._append(_END, 0, 0)
            self._terminals[value] = node
            self._value[node] = value
        return node

    def variable(self, name: object) -> int:
        """The condition that a lane is +1; a new name comes last in the order."""
        level = self.levels.setdefault(name, len(self.names))
        if level == len(self.names):
            self.names.append(name)
        return self._node(level, self.zero, self.one)

    def _append(self, level: int, low: int, high: int) -> int:
        if len(self._level) > _LIMIT:
            raise TooLarge(f"a diagram has more than {_LIMIT:,} nodes")
        self._level.append(level)
        self._low.append(low)
        self._high.append(high)
        return len(self._level) - 1

    def _node(self, level: int, low: int, high: int) -> int:
        if low == high:
            return low
        key = (level, low, high)
        node = self._unique.get(key)
        if node is None:
            node = self._unique[key] = self._append(level, low, high)
        return node

    def _apply(
        self, name: str, function: Callable[[Number, Number], Number], a: int, b: int
    ) -> int:
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

    def add(self, a: int, b: int) -> int:
        """`a + b`."""
        if a == self.zero or b == self.zero:
            return a + b - self.zero
        return self._apply("add", operator.add, min(a, b), max(a, b))

    def times(self, a: int, b: int) -> int:
        """`a · b`; the conjunction, if both are conditions."""
        if self.zero in (a, b):
            return self.zero
        if self.one in (a, b):
            return a if b == self.one else b
        return self._apply("times", operator.mul, min(a, b), max(a, b))

    def scaled(self, a: int, factor: Number) -> int:
        """A function times a number."""
        return self.times(a, self.number(factor))

    def minus(self, a: int, b: int) -> int:
        """`a - b`."""
        return self.add(a, self.scaled(b, -1))

    def maximum(self, a: int, b: int) -> int:
        """The larger of two functions, state by state; the disjunction of conditions."""
        return self._apply("max", max, min(a, b), max(a, b))

    def at_least(self, a: int, b: int) -> int:
        """The condition `a ≥ b`."""
        return self._apply("ge", lambda x, y: int(x >= y), a, b)

    def equals(self, a: int, b: int) -> int:
        """The condition `a = b`."""
        return self._apply("eq", lambda x, y: int(x == y), min(a, b), max(a, b))

    def among(self, a: int, values: Iterable[Number]) -> int:
        """The condition that a function takes one of some values."""
        conditions = (self.equals(a, self.number(value)) for value in values)
        return functools.reduce(self.maximum, conditions, self.zero)

    def negated(self, condition: int) -> int:
        """The condition that another does not hold."""
        return self.minus(self.one, condition)

    def choose(self, condition: int, then: int, otherwise: int) -> int:
        """`then` where a condition holds, else `otherwise`."""
        kept = self.times(self.negated(condition), otherwise)
        return self.add(self.times(condition, then), kept)

    def greatest(self, a: int, names: Iterable[object]) -> int:
        """The largest value over all states of some variables, as a function of the others."""
        levels = frozenset(self.levels[n] for n in names if n in self.levels)
        return self._greatest(a, levels, max(levels, default=-1), {})

    def _greatest(self, a: int, levels: frozenset[int], last: int, done: dict[int, int]) -> int:
        level = self._level[a]
        if level > last:
            return a
        if a not in done:
            low = self._greatest(self._low[a], levels, last, done)
            high = self._greatest(self._high[a], levels, last, done)
            both = self.maximum(low, high) if level in levels else self._node(level, low, high)
            done[a] = both
        return done[a]

    def compose(self, a: int, substitution: Mapping[object, int]) -> int:
        """A function with conditions put in the place of variables."""
        by_level = {self.levels[n]: f for n, f in substitution.items() if n in self.levels}
        return self._compose(a, by_level, {}) if by_level else a

    def _compose(self, a: int, by_level: Mapping[int, int], done: dict[int, int]) -> int:
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

    def copied(self, other: Diagrams, a: int) -> int:
        """A function of another space, over variables of the same names."""
        return self._copied(other, a, {})

    def _copied(self, other: Diagrams, a: int, done: dict[int, int]) -> int:
        if other._level[a] == _END:
            return self.number(other._value[a])
        if a not in done:
            low, high = (self._copied(other, n, done) for n in (other._low[a], other._high[a]))
            test = self.variable(other.names[other._level[a]])
            level = self._level[test]
            above = level < min(self._level[low], self._level[high])
            done[a] = self._node(level, low, high) if above else self.choose(test, high, low)
        return done[a]

    def values(self, a: int) -> set[Number]:
        """All values that a function takes."""
        return {self._value[n] for n in self._reached(a) if self._level[n] == _END}

    def support(self, a: int) -> set[object]:
        """The variables that a function depends on."""
        return {self.names[self._level[n]] for n in self._reached(a) if self._level[n] != _END}

    def _reached(self, a: int) -> set[int]:
        found, pending = {a}, [a]
        while pending:
            node = pending.pop()
            if self._level[node] != _END:
                new = {self._low[node], self._high[node]} - found
                found |= new
                pending += new
        return found

    def state(self, condition: int) -> dict[object, int]:
        """One state (name to ±1) in which a condition that is not always false holds."""
        found: dict[object, int] = {}
        while self._level[condition] != _END:
            high = self._low[condition] == self.zero
            found[self.names[self._level[condition]]] = 1 if high else -1
            condition = self._high[condition] if high else self._low[condition]
        return found

    def affine(self, terms: Iterable[tuple[int, Number]], constant: Number) -> int:
        """`constant + Σ factor · lane`, for lanes given as conditions that they are +1."""
        result = self.number(constant)
        for condition, factor in terms:
            lane = self.add(self.scaled(condition, 2 * factor), self.number(-factor))
            result = self.add(result, lane)
        return result

    def threshold(self, terms: Mapping[object, int], bound: int) -> int:
        """The condition `Σ factor · variable ≥ bound`, for ±1 variables and integer factors."""
        for name in terms:
            self.variable(name)
        ordered = sorted((self.levels[name], factor) for name, factor in terms.items())
        key = tuple(ordered)
        if key not in self._thresholds:
            self._thresholds[key] = _Threshold(self, ordered)
        return self._thresholds[key].at(bound)

    def table(self, names: Sequence[object], rows: Sequence[int]) -> int:
        """The condition with a truth table: bit i of a row's number is +1 in `names[i]`."""
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
    """`Σ factor · variable ≥ bound` for many bounds: per depth, intervals and their nodes."""

    def __init__(self, space: Diagrams, terms: Sequence[tuple[int, int]]) -> None:
        self.space = space
        self.terms = terms
        self.rest = [0]
        for _, factor in reversed(terms):
            self.rest.append(self.rest[-1] + abs(factor))
        self.rest.reverse()
        self.known: list[list[tuple[int, int, int]]] = [[] for _ in terms]

    def at(self, bound: int) -> int:
        return self._build(0, bound)[0]

    def _build(self, depth: int, bound: int) -> tuple[int, int, int]:
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
