"""Whether a condition on lanes holds in any reachable state.

Most claims hold for lanes of any signs. Some hold only because lanes depend on each other: the
kinds of instructions exclude each other, and a sum that is gated by one of them is zero under all
others. Such a claim leaves a condition under which it fails. Lane by lane, the proof conjoins the
condition with the lane's definition, until no state is left.

Lanes are made from earlier lanes, down to registers and memory. A first pass sees through decisions
only: of a lane that is made from operands, it keeps what follows for all operands (a sum is zero if
nothing is added). That is cheap and mostly enough. A second pass sees through all lanes.

Claims about the block that makes a lane say that the lane is a bit and equals its definition. Their
proofs use states of earlier blocks only, so the argument is not circular.
"""

from __future__ import annotations

import functools

from looped.circuit.circuit import Circuit
from looped.circuit.signals import Signal
from looped.circuit.words import ONE, Lane
from looped.diagrams import Node
from looped.verify.certificate.context import ProofContext
from looped.verify.certificate.semantics import CircuitSemantics

__all__ = ["invariants", "possible"]

_OPERANDS = 2
"""The first phase in which heads can read an instruction's operands."""


def possible(context: ProofContext, semantics: CircuitSemantics, condition: Node) -> bool:
    """Whether a condition may hold in a reachable state between two phases of a loop.

    The condition is a diagram over lanes of the CPU, by name; variables of any other kind are free.
    False is a proof; True only says that no proof was found. Raises TooLarge.
    """
    space = semantics.space
    if condition == space.zero:
        return False
    condition = space.times(condition, invariants(context.circuit, semantics))
    for complete in (False, True):
        condition = _conjoined(context, semantics, condition, complete)
    return condition != space.zero


def invariants(circuit: Circuit, semantics: CircuitSemantics) -> Node:
    """The condition that all invariants hold as a loop begins."""
    total = semantics.space.one
    for invariant in circuit.invariants:
        total = semantics.space.times(total, semantics.condition(invariant.condition))
    return total


def _conjoined(
    context: ProofContext, semantics: CircuitSemantics, condition: Node, complete: bool
) -> Node:
    """A condition conjoined with the definitions of all lanes that it depends on.

    A lane is eliminated once its whole definition is known. The next values of registers come
    first, so that conditions that exclude each other meet before their lanes are seen through; then
    lanes made first: decisions.
    """
    space = semantics.space
    following = frozenset(context.next_lanes().values())
    seen: set[Lane] = set()
    while condition != space.zero:
        lanes = {name for name in space.support(condition) if isinstance(name, Lane)} - seen
        made = [lane for lane in lanes if lane in context.definitions]
        if not made:
            read = [lane for lane in lanes if complete and lane in context.zero_reads]
            if not read:
                break
            lane = min(read, key=lambda name: (context.schedule.made[name], name.word, name.index))
            condition = space.times(condition, _zero_relation(context, semantics, lane))
            seen.add(lane)
            continue
        lane = min(made, key=lambda name: (name not in following, _cost(context, name)))
        signal = context.definitions[lane]
        whole = complete or lane in following
        operands = frozenset[Lane]() if whole else _operands(context, signal)
        condition = space.times(condition, _relation(semantics, lane, signal, operands))
        if operands:
            seen.add(lane)
        else:
            condition = space.greatest(condition, [lane])
    return condition


def _cost(context: ProofContext, lane: Lane) -> tuple[int, int, str, int]:
    sources = len(set(context.definitions[lane].lanes()))
    return context.schedule.made[lane], sources, lane.word, lane.index


def _operands(context: ProofContext, signal: Signal) -> frozenset[Lane]:
    """The lanes of a signal that heads have read for an instruction."""
    made = context.schedule.made
    own = {lane for lane in signal.lanes() if lane != ONE and lane not in context.definitions}
    return frozenset(lane for lane in own if made[lane] >= _OPERANDS)


def _zero_relation(context: ProofContext, semantics: CircuitSemantics, lane: Lane) -> Node:
    """The condition that a read of nothing or of x0 leaves a lane as it was: idle, or the word
    below it."""
    space = semantics.space
    read, bit = context.zero_reads[lane]
    adds = space.one
    for source in (*read.address, *(read.when or ())):
        semantics.touch(source)
    if read.when is not None:
        adds = semantics.lane(read.when[0])
    if read.in_registers and context.circuit.zero_register:
        nonzero = functools.reduce(space.maximum, map(semantics.lane, read.address), space.zero)
        adds = space.times(adds, nonzero)
    below = space.zero if read.onto is None else semantics.lane(read.onto[bit])
    return space.maximum(adds, space.equals(space.variable(lane), below))


def _relation(
    semantics: CircuitSemantics, lane: Lane, signal: Signal, any_of: frozenset[Lane]
) -> Node:
    """The relation of a lane to those that it is made from, for some signs of `any_of`."""
    space = semantics.space
    semantics.arrange(signal)
    value, own = semantics.signal(signal), space.variable(lane)
    ones, zeros = (space.greatest(space.among(value, [bit]), any_of) for bit in (1, 0))
    return space.maximum(space.times(own, ones), space.times(space.negated(own), zeros))
