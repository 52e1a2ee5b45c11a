"""Ranking: a graph of stages whose every path ends, because registers go one way along its cycles.

Only the strongly connected parts of the graph have cycles. In each of them the proof looks for a
register that, as a number, never goes down in any loop there, or never goes up. It can change only
so often. So a path that never ends would at last consist of loops that do not change it: the proof
leaves all others out, and treats what is left of the part in the same way. The registers that it
finds are a lexicographic ranking (Alias, Darte, Feautrier and Gonnord 2010, "Multi-dimensional
rankings, program termination, and complexity bounds of flowchart programs"). A counter that wraps
is none, and two counters that reset each other are none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from looped.circuit.words import Lane, Word, bit
from looped.diagrams import Node
from looped.verify.certificate.context import ProofContext
from looped.verify.certificate.semantics import CircuitSemantics
from looped.verify.certificate.stages import Stage, Stages

__all__ = ["Ranking", "Search", "connected"]

Edge = tuple[Stage, Stage]


@dataclass(frozen=True, slots=True)
class Ranking:
    """The registers that rank the loops of an instruction, and the most loops after its first."""

    words: tuple[str, ...]
    loops: int


@dataclass(frozen=True)
class Search:
    """A search for a ranking of a graph of stages by some registers.

    `stuck` are the registers that were no help in some part of the graph.
    """

    stages: Stages
    words: Sequence[Word]
    stuck: set[str] = field(default_factory=set)

    def ranking(self) -> Ranking | None:
        """A ranking of all paths of the graph, None if there is none. Raises TooLarge."""
        edges = [(stage, after) for stage, afters in self.stages.edges.items() for after in afters]
        return self._ranked([*self.stages.edges], edges, ())

    def _ranked(
        self, nodes: Sequence[Stage], edges: Sequence[Edge], kept: tuple[Word, ...]
    ) -> Ranking | None:
        """A ranking of loops along these edges that do not change the registers `kept`."""
        used, loops = list[str](), dict[Stage, int]()
        for part in connected(nodes, edges):
            inner = [(a, b) for a, b in edges if a in part and b in part]
            found = self._cycles(sorted(part), inner, kept) if inner else Ranking((), 1)
            if found is None:
                return None
            behind = [loops[b] for a, b in edges if a in part and b not in part]
            loops |= dict.fromkeys(part, found.loops + max(behind, default=0))
            used += (word for word in found.words if word not in used)
        return Ranking(tuple(used), max(loops.values(), default=0))

    def _cycles(
        self, nodes: Sequence[Stage], edges: Sequence[Edge], kept: tuple[Word, ...]
    ) -> Ranking | None:
        """A ranking of the loops of a strongly connected part."""
        for word in self.words:
            if word not in kept and self._goes_one_way(word, edges, kept):
                same = (*kept, word)
                left = [edge for edge in edges if self._may(edge, same, None, 0)]
                rest = self._ranked(nodes, left, same)
                if rest is None:
                    return None
                return Ranking((word.name, *rest.words), rest.loops << len(word))
        self.stuck.update(word.name for word in self.words if word not in kept)
        return None

    def _goes_one_way(self, word: Word, edges: Sequence[Edge], kept: tuple[Word, ...]) -> bool:
        """Whether a register only goes up, or only down, and is not always the same."""
        up, down = (any(self._may(e, kept, word, way) for e in edges) for way in (1, -1))
        return up != down

    def _may(self, edge: Edge, same: Sequence[Word], word: Word | None, way: int) -> bool:
        """Whether a loop may leave some registers as they are, and move another up or down."""
        following = self.stages.following
        kept = [[(lane, following[lane]) for lane in each] for each in same]
        moved = [(lane, following[lane]) for lane in word or ()]
        if moved and all(_stays(self.stages.at(edge[0]), old, new) for old, new in moved):
            return False

        def holds(semantics: CircuitSemantics) -> Node:
            condition = _moves(semantics, moved, way)
            for each in kept:
                condition = semantics.space.times(condition, _moves(semantics, each, 0))
            return condition

        return self.stages.may(*edge, holds)


def _stays(context: ProofContext, old: Lane, new: Lane) -> bool:
    """Whether a lane of a register keeps its value, by its definition."""
    signal = context.definitions.get(new)
    return signal is not None and not signal.gated and signal.linear.key == bit(old).key


def _moves(semantics: CircuitSemantics, pairs: Sequence[tuple[Lane, Lane]], way: int) -> Node:
    """The condition that a number goes up (1) or down (-1), or stays the same (0)."""
    space = semantics.space
    for old, new in reversed(pairs):
        semantics.touch(old)
        semantics.touch(new)
    result = space.zero if way else space.one
    for old, new in pairs:
        before, after = semantics.lane(old), semantics.lane(new)
        low, high = (before, after) if way > 0 else (after, before)
        same = space.equals(before, after)
        result = space.times(same, result)
        if way:
            result = space.maximum(result, space.times(high, space.negated(low)))
    return result


def connected(nodes: Sequence[Stage], edges: Sequence[Edge]) -> Iterator[set[Stage]]:
    """The strongly connected parts of a graph; each comes after all parts that it leads to."""
    onward: dict[Stage, list[Stage]] = {node: [] for node in nodes}
    back: dict[Stage, list[Stage]] = {node: [] for node in nodes}
    for a, b in edges:
        onward[a].append(b)
        back[b].append(a)
    left = set(nodes)
    reached = {node: _reached(node, onward, left) for node in nodes}
    for node in sorted(nodes, key=lambda n: len(reached[n])):
        if node in left:
            part = reached[node] & _reached(node, back, left)
            left -= part
            yield part


def _reached(
    node: Stage, onward: Mapping[Stage, Sequence[Stage]], within: set[Stage]
) -> set[Stage]:
    found, pending = {node}, [node]
    while pending:
        new = {n for n in onward[pending.pop()] if n in within} - found
        found |= new
        pending += new
    return found
