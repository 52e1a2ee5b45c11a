"""What a circuit means, lane by lane, straight from its description.

A condition is `form ≥ threshold`, a signal `linear + Σ condition · form`, over lanes of ±1, and
evaluated for all states at once. Nothing here knows of hidden units, heads or weights.

A lane that an earlier MLP made can be *unfolded*: instead of a variable of its own it is then what
its definition says. That is how facts about lanes that depend on each other are found: `reading`
implies that all the bits of `a` are ones.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction

from looped.circuit.circuit import Circuit
from looped.circuit.signals import Condition, Signal
from looped.circuit.words import ONE, Form, Lane
from looped.diagrams import Diagrams, Number

__all__ = ["Meaning", "definitions"]


def definitions(circuit: Circuit) -> dict[Lane, Signal]:
    """Every lane that an MLP makes, and its signal."""
    return {
        lane: signal
        for define in circuit.defines
        for lane, signal in zip(define.target, define.value.signals, strict=True)
    }


class Meaning:
    """Lanes, conditions and signals of a circuit as functions in a space of diagrams.

    `unfolded` has the signals of those lanes that are to be seen through.
    """

    def __init__(self, space: Diagrams, unfolded: Mapping[Lane, Signal]) -> None:
        self.space = space
        self.unfolded = unfolded
        self._lanes: dict[Lane, int] = {}

    def touch(self, lane: Lane) -> None:
        """Give a lane, or those it is made from, the next places in the order of variables."""
        if lane in self.unfolded:
            for source in self.unfolded[lane].lanes():
                self.touch(source)
        elif lane != ONE:
            self.space.variable(lane)

    def arrange(self, signal: Signal) -> None:
        """An order of variables that suits a signal: heavy lanes of a condition first."""
        for term in signal.gated:
            weights = term.condition.form.terms
            for lane in sorted(weights, key=lambda name: -abs(weights[name])):
                self.touch(lane)
            for lane in term.form.terms:
                self.touch(lane)

    def lane(self, lane: Lane) -> int:
        """The condition that a lane is +1."""
        if lane == ONE:
            return self.space.one
        if lane not in self.unfolded:
            return self.space.variable(lane)
        if lane not in self._lanes:
            self.touch(lane)
            self._lanes[lane] = self.signal(self.unfolded[lane])
        return self._lanes[lane]

    def form(self, form: Form) -> int:
        """The value of a form."""
        terms = ((self.lane(lane), _exact(factor)) for lane, factor in form.terms.items())
        return self.space.affine(terms, _exact(form.constant))

    def condition(self, condition: Condition) -> int:
        """The condition as a function: 0 or 1."""
        form = condition.form
        denominator = math.lcm(*(c.denominator for c in form.terms.values()))
        terms: dict[object, int] = {
            lane: int(c * denominator) for lane, c in form.terms.items() if lane != ONE
        }
        constant = form.constant + form.terms.get(ONE, 0)
        bound = math.ceil((condition.threshold - constant) * denominator)
        step = self.space.threshold(terms, bound)
        seen: dict[object, int] = {
            lane: self.lane(lane) for lane in form.terms if lane in self.unfolded
        }
        return self.space.compose(step, seen)

    def signal(self, signal: Signal) -> int:
        """The value of a signal: 0 or 1, where it is the bit that it should be."""
        total = self.form(signal.linear)
        for term in signal.gated:
            product = self.space.times(self.condition(term.condition), self.form(term.form))
            total = self.space.add(total, product)
        return total


def _exact(x: Fraction) -> Number:
    return int(x) if x.denominator == 1 else x
