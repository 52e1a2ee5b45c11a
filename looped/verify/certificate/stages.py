"""The stages of an instruction that takes several loops, as a graph, from the circuit alone.

A node is what some registers hold as a loop of an unfinished instruction begins; an edge leads to
what they may hold after that loop, if the instruction is still unfinished. The graph has all nodes
that an instruction can reach: it begins with zeros in all working registers. What other registers
and memory hold is left open, so there may be more nodes and edges than ever occur, but no fewer.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from looped.circuit.words import Lane
from looped.diagrams import Diagrams, Node, TooLarge, Work
from looped.verify.certificate.context import ProofContext
from looped.verify.certificate.reachable import possible
from looped.verify.certificate.semantics import CircuitSemantics
from looped.verify.certificate.specialised import Signs, constant_sign, specialised

__all__ = ["Stage", "Stages", "conjoined"]

Stage = tuple[bool, ...]
"""What the lanes that make the nodes hold, in their order."""

_QUESTION = 20_000
"""Steps on diagrams for each question about a loop: 0.1 seconds. One that needs more stays open:
the graph has an edge. RV32IMA has 300 such questions."""

_MOST = 600
"""Nodes of a graph: the stages of FLEQ with the numbers of their loops are less than half."""


@dataclass
class Stages:
    """The graph over some lanes of registers, none of them of a pin or the lane `busy`.

    `watched` are other lanes of registers of which `may` can ask.
    """

    context: ProofContext
    busy: Lane
    lanes: Sequence[Lane]
    watched: Sequence[Lane]
    work: Work
    cases: int = 0
    edges: dict[Stage, list[Stage]] = field(default_factory=dict)
    _contexts: dict[Stage, ProofContext] = field(default_factory=dict)

    @functools.cached_property
    def following(self) -> Mapping[Lane, Lane]:
        """The lane that holds the next value of each lane of a register."""
        return self.context.next_lanes()

    def explore(self) -> None:
        """Find all nodes and edges. Raises TooLarge beyond a number of nodes or an amount of
        work."""
        first = self.first_signs()
        pending = [*self._after(self._special(first), first)]
        while pending:
            stage = pending.pop()
            if stage not in self.edges:
                if len(self.edges) >= _MOST:
                    raise TooLarge(f"an instruction has more than {_MOST} stages")
                self.edges[stage] = [*self._after(self.at(stage), self.signs(stage))]
                pending += self.edges[stage]

    def first_signs(self) -> Signs:
        """What registers hold as an instruction begins."""
        return {lane: False for word in self.context.circuit.scratch for lane in word}

    def signs(self, stage: Stage) -> Signs:
        """What registers hold as a loop of a stage begins."""
        return {self.busy: True, **dict(zip(self.lanes, stage, strict=True))}

    def at(self, stage: Stage) -> ProofContext:
        """The circuit in the loops of a stage."""
        if stage not in self._contexts:
            self._contexts[stage] = self._special(self.signs(stage))
        return self._contexts[stage]

    def may(self, stage: Stage, after: Stage, holds: Callable[[CircuitSemantics], Node]) -> bool:
        """Whether a condition on watched lanes and their next values may hold in a loop that leads
        from one stage to another."""
        self.cases += 1
        ends = {self.following[lane]: one for lane, one in zip(self.lanes, after, strict=True)}
        ends[self.following[self.busy]] = True
        semantics = CircuitSemantics(Diagrams(self.work), {})
        condition = conjoined(semantics, holds(semantics), {**self.signs(stage), **ends})
        return possible(self.at(stage), semantics, condition)

    def _special(self, signs: Signs) -> ProofContext:
        lanes = (self.busy, *self.lanes, *self.watched)
        return specialised(self.context, signs, [self.following[lane] for lane in lanes])

    def _after(self, context: ProofContext, signs: Signs) -> Iterator[Stage]:
        """The nodes after a loop that begins with these signs and leaves the instruction
        unfinished."""
        ends = [self.following[lane] for lane in self.lanes]
        held = {lane: constant_sign(context.definitions.get(lane)) for lane in ends}
        known = {lane: one for lane, one in held.items() if one is not None}
        unknown = [lane for lane in ends if lane not in known]
        going = {**signs, self.following[self.busy]: True}
        for found in self._combinations(context, going, unknown):
            after = {**known, **found}
            yield tuple(after[lane] for lane in ends)

    def _combinations(
        self, context: ProofContext, signs: Signs, lanes: Sequence[Lane]
    ) -> Iterator[Signs]:
        """What lanes may hold where others hold these signs."""
        self.cases += 1
        if not self._may_hold(context, signs):
            return
        if not lanes:
            yield {}
            return
        first, *others = lanes
        for one in (False, True):
            for rest in self._combinations(context, {**signs, first: one}, others):
                yield {**rest, first: one}

    def _may_hold(self, context: ProofContext, signs: Signs) -> bool:
        """Whether lanes may hold these signs; also true if that takes too much work to tell."""
        given = min(_QUESTION, self.work.left)
        work = Work(given)
        semantics = CircuitSemantics(Diagrams(work), {})
        try:
            return possible(context, semantics, conjoined(semantics, semantics.space.one, signs))
        except TooLarge:
            if given < _QUESTION:
                raise
            return True
        finally:
            self.work.left -= given - work.left


def _signed(semantics: CircuitSemantics, lane: Lane, one: bool) -> Node:
    """The condition that a lane is a one or a zero."""
    held = semantics.lane(lane)
    return held if one else semantics.space.negated(held)


def conjoined(semantics: CircuitSemantics, condition: Node, signs: Signs) -> Node:
    """A condition, and that lanes hold these signs."""
    for lane, one in signs.items():
        condition = semantics.space.times(condition, _signed(semantics, lane, one))
    return condition
