"""CircuitSemantics: what each lane of a circuit is, straight from its description.

A condition is `form ≥ threshold`, a signal `linear + Σ condition · form`, over ±1 lanes. Both are
evaluated for all states at once, without hidden units, heads or weights.

A lane that an earlier MLP made can be *seen through*: the proof then uses its definition in place
of a variable. So lanes that depend on each other do so in the proof too: `reading` implies that all
bits of `a` are ones.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction

from looped.circuit.circuit import Circuit
from looped.circuit.signals import Condition, Signal
from looped.circuit.words import ONE, Form, Lane
from looped.diagrams import Diagrams, Node, Number

__all__ = ["CircuitSemantics", "definitions"]


def definitions(circuit: Circuit) -> dict[Lane, Signal]:
    """Every lane that an MLP makes, and its signal."""
    return {
        lane: signal
        for define in circuit.defines
        for lane, signal in zip(define.target, define.value.signals, strict=True)
    }


class CircuitSemantics:
    """Lanes, conditions and signals of a circuit as functions in a space of diagrams.

    `seen_through` maps some lanes to their definitions, which replace them.
    """

    def __init__(self, space: Diagrams, seen_through: Mapping[Lane, Signal]) -> None:
        self.space = space
        self.seen_through = seen_through
        self._lanes: dict[Lane, Node] = {}

    def touch(self, lane: Lane) -> None:
        """Give a lane, or those it is made from, the next places in the order of variables."""
        if lane in self.seen_through:
            for source in self.seen_through[lane].lanes():
                self.touch(source)
        elif lane != ONE:
            self.space.variable(lane)

    def arrange(self, signal: Signal) -> None:
        """Order the variables of a signal: heavy lanes of a condition first."""
        for term in signal.gated:
            weights = term.condition.form.terms
            for lane in sorted(weights, key=lambda name: -abs(weights[name])):
                self.touch(lane)
            for lane in term.form.terms:
                self.touch(lane)

    def lane(self, lane: Lane) -> Node:
        """The condition that a lane is +1."""
        if lane == ONE:
            return self.space.one
        if lane not in self.seen_through:
            return self.space.variable(lane)
        if lane not in self._lanes:
            self.touch(lane)
            self._lanes[lane] = self.signal(self.seen_through[lane])
        return self._lanes[lane]

    def form(self, form: Form) -> Node:
        """The value of a form."""
        terms = ((self.lane(lane), _exact(factor)) for lane, factor in form.terms.items())
        return self.space.affine(terms, _exact(form.constant))

    def condition(self, condition: Condition) -> Node:
        """The condition as a function: 0 or 1."""
        form = condition.form
        denominator = math.lcm(*(c.denominator for c in form.terms.values()))
        terms: dict[object, int] = {
            lane: int(c * denominator) for lane, c in form.terms.items() if lane != ONE
        }
        constant = form.constant + form.terms.get(ONE, 0)
        bound = math.ceil((condition.threshold - constant) * denominator)
        step = self.space.threshold(terms, bound)
        seen: dict[object, Node] = {
            lane: self.lane(lane) for lane in form.terms if lane in self.seen_through
        }
        return self.space.compose(step, seen)

    def signal(self, signal: Signal) -> Node:
        """The value of a signal: 0 or 1 in each state in which the signal is a bit."""
        total = self.form(signal.linear)
        for term in signal.gated:
            product = self.space.times(self.condition(term.condition), self.form(term.form))
            total = self.space.add(total, product)
        return total


def _exact(x: Fraction) -> Number:
    return int(x) if x.denominator == 1 else x
