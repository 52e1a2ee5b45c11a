"""Partial evaluation of a circuit: definitions in which some lanes have known signs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from looped.circuit.circuit import Define
from looped.circuit.signals import Condition, Gated, Signal, Value
from looped.circuit.words import Form, Lane, Word, bit

__all__ = ["Facts", "copied", "folded", "propagated", "renamed"]

Facts = Mapping[Lane, int]
"""Lanes whose signs are known: -1 or +1."""


def folded(define: Define, facts: Facts) -> Define:
    """A definition where these lanes are known: terms that never count are gone, conditions that
    always hold are no conditions."""
    signals = tuple(_signal(signal, facts) for signal in define.value.signals)
    return replace(define, value=Value(signals))


def _signal(signal: Signal, facts: Facts) -> Signal:
    linear, gated = _form(signal.linear, facts), []
    for term in signal.gated:
        form, threshold = _form(term.condition.form, facts), term.condition.threshold
        then = _form(term.form, facts)
        if form.minimum >= threshold:
            linear = linear + then
        elif then and form.maximum >= threshold:
            gated.append(Gated(Condition(form, threshold), then))
    return Signal(linear, tuple(gated))


def _form(form: Form, facts: Facts) -> Form:
    terms = {lane: c for lane, c in form.terms.items() if lane not in facts}
    known = sum(c * facts[lane] for lane, c in form.terms.items() if lane in facts)
    return Form(terms, form.constant + known)


def propagated(defines: Iterable[Define], facts: Facts) -> tuple[list[Define], dict[Lane, int]]:
    """All definitions where these lanes are known, and with the lanes that they make known."""
    kept, known = list(defines), dict(facts)
    while True:
        kept = [folded(define, known) for define in kept]
        made = {
            lane: 1 if signal.linear.constant else -1
            for define in kept
            for lane, signal in zip(define.target, define.value.signals, strict=True)
            if not signal.gated and not signal.linear.terms and lane not in known
        }
        if not made:
            return kept, known
        known |= made


def renamed(define: Define, names: Mapping[Lane, Lane]) -> Define:
    """A definition that uses other lanes in place of some."""

    def form(old: Form) -> Form:
        changed = (
            Form({names.get(lane, lane): c}, old.constant * 0) for lane, c in old.terms.items()
        )
        return sum(changed, Form({}, old.constant))

    signals = tuple(
        Signal(
            form(signal.linear),
            tuple(
                Gated(Condition(form(t.condition.form), t.condition.threshold), form(t.form))
                for t in signal.gated
            ),
        )
        for signal in define.value.signals
    )
    return replace(define, value=Value(signals))


def copied(define: Define) -> Word | None:
    """The lanes of which a definition is a copy, or None."""
    lanes = []
    for signal in define.value.signals:
        (*_, lane) = (None, *signal.linear.terms)
        if signal.gated or lane is None or (signal.linear - bit(lane)):
            return None
        lanes.append(lane)
    return Word(define.name, tuple(lanes))
