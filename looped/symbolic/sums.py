"""Forms, conditions and signals of a circuit as z3 terms, by their definitions.

A form is a weighted sum of bits, for a lane is 2·bit - 1. With negative weights moved to the
complements of their bits, a condition asks whether a sum of positive weights is large enough. A bit
that the sum needs becomes an AND with the rest; a bit that suffices becomes an OR. The other bits
are added as words, so that the sum of an adder is a sum of two words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from math import lcm
from typing import NamedTuple

import z3

from looped.circuit.signals import Condition, Gated, Signal
from looped.circuit.words import Form, Lane
from looped.errors import ProofError

__all__ = ["Bits", "condition_term", "signal_terms"]

Bits = Callable[[Lane], z3.BoolRef]
"""The bit that a lane holds."""


class _Sum(NamedTuple):
    """`(Σ weight·bit + constant) / unit`, all of them integers."""

    weights: dict[Lane, int]
    constant: int
    unit: int


def _sum(form: Form) -> _Sum:
    weights = {lane: 2 * Fraction(c) for lane, c in form.terms.items()}
    constant = Fraction(form.constant) - sum(map(Fraction, form.terms.values()))
    unit = lcm(constant.denominator, *(w.denominator for w in weights.values()))
    return _Sum({k: int(w * unit) for k, w in weights.items()}, int(constant * unit), unit)


def condition_term(condition: Condition, bits: Bits) -> z3.BoolRef:
    """Whether `form ≥ threshold`."""
    weights, constant, unit = _sum(condition.form)
    need = condition.threshold * unit - constant
    literals: list[tuple[int, Lane, bool]] = []
    for lane, weight in weights.items():
        need += max(0, -weight)
        literals.append((abs(weight), lane, weight > 0))
    literals.sort(key=lambda item: -item[0])
    wrap: list[tuple[bool, z3.BoolRef]] = []
    most = sum(weight for weight, _, _ in literals)
    while literals and 0 < need <= most:
        weight, lane, positive = literals[0]
        required, enough = most - weight < need, weight >= need
        if not required and not enough:
            break
        wrap.append((required, bits(lane) if positive else z3.Not(bits(lane))))
        literals, most = literals[1:], most - weight
        if required:
            need -= weight
    term = _reaches(literals, need, most, bits)
    for required, literal in reversed(wrap):
        term = z3.And(literal, term) if required else z3.Or(literal, term)
    return z3.simplify(term)


def _reaches(
    literals: list[tuple[int, Lane, bool]], need: int, most: int, bits: Bits
) -> z3.BoolRef:
    """Whether a sum of positive weights is at least `need`; `most` is its largest value."""
    if need <= 0 or need > most:
        return z3.BoolVal(need <= 0)
    width = most.bit_length()
    total = z3.BitVecVal(0, width)
    for layer in _layers(literals, bits):
        word = [z3.If(layer[i], _ONE, _ZERO) if i in layer else _ZERO for i in range(width)]
        total = total + z3.Concat(*reversed(word)) if width > 1 else total + word[0]
    return z3.UGE(total, need)


def _layers(literals: list[tuple[int, Lane, bool]], bits: Bits) -> list[dict[int, z3.BoolRef]]:
    """The bits of a sum as words: place to bit. Bits of one word stay together if possible; three
    times a word is the word and its double."""
    places: dict[tuple[str, bool, int], list[tuple[int, z3.BoolRef]]] = {}
    for weight, lane, positive in literals:
        term = bits(lane) if positive else z3.Not(bits(lane))
        powers = (i for i in range(weight.bit_length()) if weight >> i & 1)
        for number, i in enumerate(powers):
            places.setdefault((lane.word, positive, number), []).append((i, term))
    layers: list[dict[int, z3.BoolRef]] = []
    for name in sorted(places, key=lambda name: (-len(places[name]), name)):
        for place, term in places[name]:
            free = next((layer for layer in layers if place not in layer), None)
            if free is None:
                layers.append(free := {})
            free[place] = term
    return layers


def signal_terms(signal: Signal, bits: Bits) -> tuple[z3.BoolRef, z3.BoolRef]:
    """The bit of a signal, and the claim that the signal is a bit: 0 or 1.

    A bit equals its remainder by 2, which is an exclusive or. Raises ProofError for parts that are
    not integers.
    """
    gates = [(condition_term(t.condition, bits), t) for t in signal.gated]
    odd = _parity(signal.linear, bits)
    for gate, term in gates:
        odd = z3.Xor(odd, z3.And(gate, _parity(term.form, bits)))
    return z3.simplify(odd), _is_bit(signal.linear, gates, bits)


def _parity(form: Form, bits: Bits) -> z3.BoolRef:
    weights, constant, unit = _sum(form)
    if unit != 1:
        raise ProofError("a part of a signal is not an integer")
    odd = z3.BoolVal(bool(constant & 1))
    for lane, weight in weights.items():
        if weight & 1:
            odd = z3.Xor(odd, bits(lane))
    return z3.simplify(odd)


def _is_bit(linear: Form, gates: Iterable[tuple[z3.BoolRef, Gated]], bits: Bits) -> z3.BoolRef:
    """Whether `linear + Σ gate·form` is 0 or 1, added with enough bits that nothing overflows."""
    parts = [(None, _sum(linear)), *((gate, _sum(term.form)) for gate, term in gates)]
    reach = sum(abs(s.constant) + sum(map(abs, s.weights.values())) for _, s in parts)
    width = reach.bit_length() + 2
    total = z3.BitVecVal(0, width)
    for gate, part in parts:
        value = z3.BitVecVal(part.constant, width)
        for lane, weight in part.weights.items():
            value = value + z3.If(bits(lane), z3.BitVecVal(weight, width), z3.BitVecVal(0, width))
        total = total + (value if gate is None else z3.If(gate, value, z3.BitVecVal(0, width)))
    return z3.Or(total == 0, total == 1)


_ONE, _ZERO = z3.BitVecVal(1, 1), z3.BitVecVal(0, 1)
