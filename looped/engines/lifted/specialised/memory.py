"""Memory: what has been seen of the passes of a stream, and the nodes that are made from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from looped.engines.lifted.code import Code
from looped.engines.lifted.specialised.effort import Effort
from looped.engines.lifted.specialised.fold import Impossible, folded
from looped.engines.lifted.specialised.graph import Node, possible
from looped.engines.lifted.specialised.observe import Fetches, Key, Sight
from looped.engines.lifted.specialised.writer import Shape

__all__ = ["Memory"]

_MOST_KEYS = 1 << 15
"""The most keys that are remembered, which take about a kilobyte each. The oldest are forgotten."""


_SECONDS = 7e-5
"""Seconds of LLVM for an instruction of a graph, as long as none has been compiled."""

_FOLDING = 1e-5
"""Seconds for an instruction of the plain code to make a node."""

_SMALLER = 12
"""How many times smaller a node is than the plain code, about, as long as there is none."""


@dataclass
class _Seen:
    """What all looks show of a key, as in a sight; the code of its node, if it has one; and whether
    it can have none."""

    sight: Sight
    code: Code | None = None
    useless: bool = False


class Memory:
    """All keys that looks have shown. `built` is the number of instructions of the last graph, and
    `seconds` is how long an instruction of it took to compile."""

    def __init__(self, fetches: Fetches, shape: Shape, effort: Effort) -> None:
        self.fetches = fetches
        self.shape = shape
        self.effort = effort
        self.built = 0
        self.seconds = _SECONDS
        self._seen: dict[Key, _Seen] = {}

    def learn(self, found: Mapping[Key, Sight]) -> bool:
        """Add what a look shows; whether there are other nodes than before."""
        news = False
        for key, sight in found.items():
            known = self._seen.pop(key, None) or _Seen(Sight(0, dict(sight.fetched), {}))
            self._seen[key] = known
            known.sight.visits += sight.visits
            for place, number in sight.fetched.items():
                if known.sight.fetched[place] not in (number, None):
                    known.sight.fetched[place] = known.code = None
            following = known.sight.following
            hot = self._hot(key, known)
            news |= hot and (known.code is None or not sight.following.keys() <= following.keys())
            for onward, times in sight.following.items():
                following[onward] = following.get(onward, 0) + times
        while len(self._seen) > _MOST_KEYS:
            del self._seen[next(iter(self._seen))]
        return news

    def price(self) -> float:
        """About how many seconds it takes to compile a graph of all that is hot."""
        hot = [known for key, known in self._seen.items() if self._hot(key, known)]
        sizes = [len(known.code.instructions) for known in hot if known.code is not None]
        plain = len(self.fetches.code.instructions)
        size = sum(sizes) / len(sizes) if sizes else plain / _SMALLER
        total = min(size * len(hot), self.effort.size)
        return _FOLDING * plain * (len(hot) - len(sizes)) + self.seconds * total

    def nodes(self) -> dict[Key, Node]:
        """The nodes of all hot keys, or of those that were seen last."""
        result = dict[Key, Node]()
        self.built = 0
        for key in reversed(self._seen):
            known = self._seen[key]
            code = None
            if self._hot(key, known) and self.built < self.effort.size:
                code = known.code or self._code(key, known.sight)
                known.useless = code is None
            known.code = code
            if code is not None:
                self.built += len(code.instructions)
                result[key] = self._node(key, known.sight, code)
        return result

    def _hot(self, key: Key, known: _Seen) -> bool:
        """Whether a key should have a node."""
        recurs = known.sight.visits >= self.effort.recurrences
        return recurs and not known.useless and not self.shape.ends(key)

    def _code(self, key: Key, sight: Sight) -> Code | None:
        """The code of a pass, None if there is too much of it or it is always abandoned."""
        fetched = {place: number for place, number in sight.fetched.items() if number is not None}
        words = dict(zip(self.fetches.key, key, strict=True))
        shape = self.shape
        try:
            code = folded(self.fetches.code, shape.widths, shape.cell_bits, words, fetched)
        except Impossible:
            return None
        return code if len(code.instructions) <= self.effort.largest else None

    def _node(self, key: Key, sight: Sight, code: Code) -> Node:
        often = sorted(sight.following, key=lambda onward: -sight.following[onward])
        return Node(key, code, tuple(dict.fromkeys([*often, *possible(code, self.fetches.key)])))
