"""A circuit in those loops that begin with known signs in some registers.

In a loop that only writes a result, nothing is computed: most gates are shut, and sums of zeros are
zero. So the proof puts the signs into all definitions, in the order in which lanes are made. A lane
whose definition becomes a number is constant in all such loops, as is a read under a bit that is
not set. What is left is small.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from fractions import Fraction

from looped.circuit.signals import Condition, Gated, Signal
from looped.circuit.words import ONE, Form, Lane, bit, constant
from looped.verify.certificate.context import ProofContext

__all__ = ["Signs", "cone", "constant_sign", "specialised"]

Signs = Mapping[Lane, bool]
"""Lanes of registers and what they hold as a loop begins: a one or a zero."""


def specialised(context: ProofContext, signs: Signs, targets: Iterable[Lane]) -> ProofContext:
    """A context whose definitions hold in loops that begin with these signs.

    Lanes on which no target depends keep theirs.
    """
    known = {ONE: True, **signs}
    definitions = dict(context.definitions)
    made = context.schedule.made
    for lane in sorted(cone(context, targets), key=lambda name: made.get(name, context.first)):
        signal = context.definitions.get(lane) or _nothing_read(context, lane, known)
        if signal is None:
            continue
        definitions[lane] = left = _reduced(signal, known)
        number = constant_sign(left)
        if number is not None:
            known[lane] = number
    return dataclasses.replace(context, definitions=definitions)


def constant_sign(signal: Signal | None) -> bool | None:
    """The bit that a signal without sources is, None for any other."""
    if signal is None or signal.gated or signal.linear.terms:
        return None
    return {Fraction(0): False, Fraction(1): True}.get(signal.linear.constant)


def cone(context: ProofContext, lanes: Iterable[Lane]) -> set[Lane]:
    """The lanes that some lanes depend on, themselves included, back to the beginning of a loop."""
    found = set(lanes)
    pending = list(found)
    while pending:
        lane = pending.pop()
        signal = context.definitions.get(lane)
        new = set(signal.lanes()) if signal is not None else set[Lane]()
        if lane in context.zero_reads:
            read, place = context.zero_reads[lane]
            new = {*(read.when or ()), *((read.onto[place],) if read.onto else ())}
        pending += new - found
        found |= new
    return found


def _nothing_read(context: ProofContext, lane: Lane, known: Signs) -> Signal | None:
    """What a read leaves in a lane if its bit is not set: a zero, or what was there."""
    if lane not in context.zero_reads:
        return None
    read, place = context.zero_reads[lane]
    if read.when is None or known.get(read.when[0]) is not False:
        return None
    return Signal(constant(0) if read.onto is None else bit(read.onto[place]))


def _reduced(signal: Signal, known: Signs) -> Signal:
    """A signal with known signs put in; gates that are then shut or open disappear."""
    if known.keys().isdisjoint(signal.lanes()):
        return signal
    linear, left = _put_in(signal.linear, known), []
    for term in signal.gated:
        gate = Condition(_put_in(term.condition.form, known), term.condition.threshold)
        if gate.form.maximum < gate.threshold:
            continue
        form = _put_in(term.form, known)
        if gate.form.minimum >= gate.threshold:
            linear = linear + form
        elif form:
            left.append(Gated(gate, form))
    return Signal(linear, tuple(left))


def _put_in(form: Form, known: Signs) -> Form:
    total, left = form.constant, dict[Lane, Fraction]()
    for lane, factor in form.terms.items():
        if lane in known:
            total += factor if known[lane] else -factor
        else:
            left[lane] = factor
    return Form(left, total)
