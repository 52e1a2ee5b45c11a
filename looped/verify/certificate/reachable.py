"""Whether a condition on lanes can hold at all: in a state that some loop comes to.

Most claims hold for lanes of any signs. Some hold only because lanes depend on each other: the
kinds of instructions exclude each other, and a sum that is carried under one of them is zero under
all others. Those claims leave a condition under which they fail, and it is shown here to hold in no
state: lane by lane the condition is joined with how that lane was made, until nothing is left.

What the lanes were made from are forms of other lanes, made earlier, and so on down to what stood
in registers and memory. A first pass looks through decisions only: of a lane that was made from
operands it keeps what follows whatever the operands are (a sum is zero if nothing was to be added).
That is little and mostly enough; what it leaves, a second pass looks through completely.

That a lane is what its definition says, and a bit, are claims about the block that makes it, shown
from states of blocks before it. So nothing goes in a circle.
"""

from __future__ import annotations

from looped.circuit.circuit import Circuit
from looped.circuit.signals import Signal
from looped.circuit.words import ONE, Lane
from looped.verify.certificate.context import Subject
from looped.verify.certificate.semantics import Meaning

__all__ = ["invariants", "possible"]

_OPERANDS = 2
"""The first phase in which heads can read what an instruction asks for."""


def possible(subject: Subject, meaning: Meaning, condition: int) -> bool:
    """Whether a condition may hold in a state between two half-blocks of some loop.

    It is a diagram over lanes of the CPU, by name, and variables of any other kind, which are free.
    True only says that nothing was found against it. Raises TooLarge.
    """
    space = meaning.space
    if condition == space.zero:
        return False
    condition = space.times(condition, invariants(subject.circuit, meaning))
    for complete in (False, True):
        condition = _looked_through(subject, meaning, condition, complete)
    return condition != space.zero


def invariants(circuit: Circuit, meaning: Meaning) -> int:
    """The condition that all invariants hold as a loop begins."""
    total = meaning.space.one
    for invariant in circuit.invariants:
        total = meaning.space.times(total, meaning.condition(invariant.condition))
    return total


def _looked_through(subject: Subject, meaning: Meaning, condition: int, complete: bool) -> int:
    """A condition joined with the definitions of all lanes that it depends on.

    A lane is gone once its whole definition is known. Those made first come first: decisions.
    """
    space = meaning.space
    seen: set[Lane] = set()
    while condition != space.zero:
        lanes = {name for name in space.support(condition) if isinstance(name, Lane)} - seen
        made = [lane for lane in lanes if lane in subject.definitions]
        if not made:
            break
        lane = min(made, key=lambda name: _cost(subject, name))
        signal = subject.definitions[lane]
        operands = frozenset[Lane]() if complete else _operands(subject, signal)
        condition = space.times(condition, _relation(meaning, lane, signal, operands))
        if operands:
            seen.add(lane)
        else:
            condition = space.greatest(condition, [lane])
    return condition


def _cost(subject: Subject, lane: Lane) -> tuple[int, int, str, int]:
    sources = len(set(subject.definitions[lane].lanes()))
    return subject.schedule.made[lane], sources, lane.word, lane.index


def _operands(subject: Subject, signal: Signal) -> frozenset[Lane]:
    """The lanes of a signal that heads have read for an instruction."""
    made = subject.schedule.made
    own = {lane for lane in signal.lanes() if lane != ONE and lane not in subject.definitions}
    return frozenset(lane for lane in own if made[lane] >= _OPERANDS)


def _relation(meaning: Meaning, lane: Lane, signal: Signal, any_of: frozenset[Lane]) -> int:
    """What a lane has to do with those that it is made from, for some signs of `any_of`."""
    space = meaning.space
    meaning.arrange(signal)
    value, own = meaning.signal(signal), space.variable(lane)
    ones, zeros = (space.greatest(space.among(value, [bit]), any_of) for bit in (1, 0))
    return space.maximum(space.times(own, ones), space.times(space.negated(own), zeros))
