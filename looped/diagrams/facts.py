"""Diagrams over variables that depend on each other: "the word is 3" excludes "it is 5".

Each branch on a variable applies its facts about other variables, so that combinations that never
occur do not appear (Coudert and Madre 1990, "A unified framework for the formal verification of
sequential circuits": the restriction of a function to a care set). Two functions that are equal
wherever the facts hold may still be different nodes; equal nodes are equal functions there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from looped.diagrams.space import Diagrams, Node, Work

__all__ = ["DiagramsUnderFacts", "Facts"]

Facts = Mapping[tuple[object, int], Mapping[object, int]]
"""For a variable's name and value (0 or 1): the values of other variables that follow from it."""


class DiagramsUnderFacts(Diagrams):
    """A space of functions over variables `names`, in this order, under `facts` about them.

    A function that takes more than `most` new nodes after `begin` raises TooLarge.
    """

    def __init__(self, names: Iterable[object], facts: Facts, most: int) -> None:
        super().__init__()
        self._facts: dict[tuple[int, int], dict[int, int]] = {}
        self._restricted: dict[tuple[int, int, Node], Node] = {}
        self._most = most
        for name in names:
            self.variable(name)
        for (name, bit), follows in facts.items():
            if name in self.levels:
                levels = {self.levels[n]: value for n, value in follows.items() if n in self.levels}
                self._facts[self.levels[name], bit] = levels

    def begin(self) -> None:
        """Begin a function, with a new budget of nodes and steps."""
        self._limit = self.size + self._most
        self._work = Work()

    def _node(self, level: int, low: Node, high: Node) -> Node:
        low, high = self._given(level, 0, low), self._given(level, 1, high)
        if self._given(level, 1, low) == high:
            return low
        return super()._node(level, low, high)

    def _given(self, level: int, bit: int, a: Node) -> Node:
        """A function restricted to a value of a variable and the facts that follow from it."""
        facts = self._facts.get((level, bit))
        branch = self.branch(a) if facts else None
        if facts is None or branch is None:
            return a
        key = level, bit, a
        if key not in self._restricted:
            own = self.levels[branch.name]
            if own in facts:
                chosen = branch.high if facts[own] else branch.low
                self._restricted[key] = self._given(level, bit, chosen)
            else:
                parts = branch.low, branch.high
                low, high = (self._given(level, bit, part) for part in parts)
                self._restricted[key] = self._node(own, low, high)
        return self._restricted[key]
