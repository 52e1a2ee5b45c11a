"""Memory: what has been seen of the passes of a stream, and the units that are made from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from time import thread_time

from looped.engines.lifted.code import Code
from looped.engines.lifted.specialised.effort import Effort
from looped.engines.lifted.specialised.fold import Impossible, folded
from looped.engines.lifted.specialised.graph import Node, possible
from looped.engines.lifted.specialised.observe import Fetches, Key, Sight
from looped.engines.lifted.specialised.writer import Shape

__all__ = ["Memory"]

_MOST_KEYS = 1 << 15
"""The most keys that are remembered, which take about a kilobyte each, apart from their code. The
oldest are forgotten."""

_FIRST = 1500
"""Instructions of the first unit; each further one may have twice as many. So the passes that take
most of the time are ready first: quicksort's 30 million instructions, LLVM included, take 0.9 s
instead of 1.7 s."""

_FOLDING = 2e-6
"""Seconds for an instruction of the plain code to make a node, as long as none has been made."""

_COMPILING = 5e-5
"""Seconds of LLVM for an instruction of a node, as long as none has been compiled."""

_SMALLER = 12
"""How many times smaller a node is than the plain code, about, as long as there is none."""


@dataclass
class _Seen:
    """What all looks show of a key, as in a sight; the code of its node, if it has one; the number
    of the unit that has it; and whether it can have no node."""

    sight: Sight
    code: Code | None = None
    unit: int | None = None
    useless: bool = False


class Memory:
    """All keys that looks have shown. `sizes` has the instructions of each unit by its number."""

    def __init__(self, fetches: Fetches, shape: Shape, effort: Effort) -> None:
        self.fetches = fetches
        self.shape = shape
        self.effort = effort
        self.sizes: dict[int, int] = {}
        self.compiling = _COMPILING
        self._folding = _FOLDING * len(fetches.code.instructions)
        self._units = 0
        self._seen: dict[Key, _Seen] = {}

    def learn(self, found: Mapping[Key, Sight]) -> None:
        """Add what a look shows. A node whose constants or whose way on are others waits again."""
        for key, sight in found.items():
            known = self._seen.pop(key, None) or _Seen(Sight(0, dict(sight.fetched), {}))
            self._seen[key] = known
            known.sight.visits += sight.visits
            for place, number in sight.fetched.items():
                if known.sight.fetched[place] not in (number, None):
                    known.sight.fetched[place] = known.code = known.unit = None
        for key, sight in found.items():
            self._follow(self._seen[key], sight.following)
        while len(self._seen) > _MOST_KEYS:
            del self._seen[next(iter(self._seen))]

    def price(self) -> float:
        """About how many seconds it takes to make the next unit, 0 if no node waits."""
        waiting = [self._seen[key] for key in self._waiting()]
        made = [len(known.code.instructions) for known in waiting if known.code is not None]
        plain = len(self.fetches.code.instructions)
        rest = len(waiting) - len(made)
        size = min(sum(made) + rest * plain / _SMALLER, self._room)
        rest = min(rest, round(self._room * _SMALLER / plain) + 1)
        return self._folding * rest + self.compiling * size

    @property
    def _room(self) -> int:
        """About how many instructions the next unit may have."""
        return min(_FIRST << min(self._units, 16), self.effort.unit)

    def next_unit(self) -> tuple[int, dict[Key, Node], list[int]]:
        """The number and the nodes of the next unit, and the units that it makes needless.

        Its nodes are those that wait, the most frequent first, and those of the unit before it if
        that leaves room for them.
        """
        nodes: dict[Key, Node] = {}
        size, before, room = 0, self._units, self._room
        self._units += 1
        for key in self._waiting():
            known = self._seen[key]
            known.code = known.code or self._code(key, known.sight)
            known.useless = known.code is None
            if known.code is not None:
                size += len(known.code.instructions)
                nodes[key] = self._node(key, known.sight, known.code)
            if size >= room:
                break
        needless = []
        if nodes and size + self.sizes.get(before, room) <= room:
            needless.append(before)
            for key, known in self._seen.items():
                if known.unit == before and known.code is not None and key not in nodes:
                    nodes[key] = self._node(key, known.sight, known.code)
        self._enter(nodes, needless)
        return self._units, self._with_entries(nodes), needless

    def _with_entries(self, nodes: Mapping[Key, Node]) -> dict[Key, Node]:
        """The nodes of a unit, which are entries where a key outside leads to them again and again.
        Such a key has a node of another unit, or none."""
        entries = {
            onward
            for key, known in self._seen.items()
            if key not in nodes
            for onward, times in known.sight.following.items()
            if times >= self.effort.recurrences
        }
        return {key: replace(node, entry=key in entries) for key, node in nodes.items()}

    def _enter(self, nodes: Iterable[Key], needless: list[int]) -> None:
        """Note the nodes of the last unit, and drop the oldest units if all are too large. Then
        only nodes of units keep their code, of which an instruction takes about 200 bytes."""
        size = 0
        for key in nodes:
            known = self._seen[key]
            assert known.code is not None
            known.unit = self._units
            size += len(known.code.instructions)
        for unit in needless:
            del self.sizes[unit]
        merged = len(needless)
        while self.sizes and sum(self.sizes.values()) + size > self.effort.size:
            needless.append(next(iter(self.sizes)))
            del self.sizes[needless[-1]]
        if nodes:
            self.sizes[self._units] = size
        for known in self._seen.values():
            if known.unit in needless:
                known.unit = None
            if len(needless) > merged and known.unit is None:
                known.code = None

    def _follow(self, known: _Seen, onward: Mapping[Key, int]) -> None:
        """Note the keys that follow on a key. What does so again, and did not, waits with it."""
        following = known.sight.following
        for key, times in onward.items():
            before = following.get(key, 0)
            following[key] = before + times
            if before < self.effort.recurrences <= following[key]:
                known.unit = None
                if key in self._seen:
                    self._seen[key].unit = None

    def _waiting(self) -> list[Key]:
        """The hot keys that are in no unit, the most frequent first."""
        found = [key for key, known in self._seen.items() if self._hot(key, known)]
        return sorted(found, key=lambda key: -self._seen[key].sight.visits)

    def _hot(self, key: Key, known: _Seen) -> bool:
        """Whether a key should have a node, and has none."""
        recurs = known.sight.visits >= self.effort.recurrences
        return recurs and known.unit is None and not (known.useless or self.shape.ends(key))

    def _code(self, key: Key, sight: Sight) -> Code | None:
        """The code of a pass, None if there is too much of it or it is always abandoned."""
        start = thread_time()
        fetched = {place: number for place, number in sight.fetched.items() if number is not None}
        words = dict(zip(self.fetches.key, key, strict=True))
        shape = self.shape
        try:
            code = folded(self.fetches.code, shape.widths, shape.cell_bits, words, fetched)
        except Impossible:
            return None
        self._folding += (thread_time() - start - self._folding) / 8
        return code if len(code.instructions) <= self.effort.largest else None

    def _node(self, key: Key, sight: Sight, code: Code) -> Node:
        often = sorted(sight.following, key=lambda onward: -sight.following[onward])
        return Node(key, code, tuple(dict.fromkeys([*often, *possible(code, self.fetches.key)])))
