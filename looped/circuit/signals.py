"""Condition, Signal, Value: what one gated MLP can compute.

The step of an integer form z at an integer t is a difference of two ramps,

    [z ≥ t] = relu(z - t + 1) - relu(z - t),

and the second ramp vanishes where t is the largest value that z can take: such a condition is
called a *conjunction* and costs one hidden unit. Such a condition x = [F ≥ max F] and any condition
y = [G ≥ t] are together one step again:

    x and y = [K·F + G ≥ K·max F + t]   with K = max(1, max G - t + 1),

because F ≤ max F - 1 leaves at most K·max F - K + max G = K·max F + t - 1. Literals that contradict
each other make an [F ≥ s] with s > max F, which never holds; with s in place of max F, the
conjunction never holds either, for the same reason. The disjunction follows by De Morgan. A gated
MLP multiplies a ramp with an affine form for free, so one unit (or two) computes `condition ·
form`; a Signal is a sum of those.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from looped.circuit.words import Form, Lane, Word, bit, constant
from looped.errors import CompileError

__all__ = [
    "Condition",
    "Gated",
    "Operand",
    "Signal",
    "Value",
    "any_of_disjoint",
    "disjoint_or",
    "gated",
    "literal",
    "value",
]


@dataclass(frozen=True, slots=True)
class Condition:
    """`[form ≥ threshold]`, 0 or 1, for a form that takes integer values only."""

    form: Form
    threshold: int

    @property
    def is_conjunction(self) -> bool:
        """True if it holds at the largest value of the form only, or never: an AND of literals,
        which may contradict each other."""
        return self.threshold >= self.form.maximum

    def __invert__(self) -> Condition:
        return Condition(-self.form, 1 - self.threshold)

    def __and__(self, other: Condition) -> Condition:
        """Both. Raises CompileError if neither is a conjunction: their product is not a single
        threshold."""
        first, second = (self, other) if self.is_conjunction else (other, self)
        if not first.is_conjunction:
            raise CompileError("the conjunction of two sums is not a single threshold")
        factor = max(1, int(second.form.maximum) - second.threshold + 1)
        form = first.form * factor + second.form
        return Condition(form, first.threshold * factor + second.threshold)

    def __or__(self, other: Condition) -> Condition:
        """Either. Raises CompileError if neither is an OR of literals."""
        return ~(~self & ~other)


@dataclass(frozen=True, slots=True)
class Gated:
    """`condition · form`."""

    condition: Condition
    form: Form


@dataclass(frozen=True, slots=True)
class Signal:
    """A bit that is not yet in a lane: `linear + Σ condition · form`, which must be 0 or 1."""

    linear: Form
    gated: tuple[Gated, ...] = ()

    def lanes(self) -> Iterator[Lane]:
        """Every lane that the signal depends on."""
        yield from self.linear.terms
        for term in self.gated:
            yield from term.condition.form.terms
            yield from term.form.terms

    def when(self, condition: Condition) -> tuple[Gated, ...]:
        """The gated terms, each under one more condition."""
        return tuple(Gated(condition & term.condition, term.form) for term in self.gated)


@dataclass(frozen=True, slots=True)
class Value:
    """A word that is not yet in lanes: a signal for each bit, least significant first."""

    signals: tuple[Signal, ...]

    def __len__(self) -> int:
        return len(self.signals)


Operand = Word | Value | int
"""An operand of arithmetic: a word in lanes, a value that is not yet there, or a constant."""


def literal(word: Word) -> Condition:
    """A word of one bit as a condition. Raises CompileError for any other."""
    if len(word) != 1:
        raise CompileError(f"`{word.name}` has {len(word)} bits and cannot be a condition")
    return Condition(bit(word[0]), 1)


def any_of_disjoint(conditions: Iterable[Condition]) -> Value:
    """One bit: whether any of these conditions holds. At most one may hold in any state."""
    return Value((Signal(constant(0), tuple(Gated(c, constant(1)) for c in conditions)),))


def gated(condition: Condition, *forms: Form) -> Value:
    """A bit for each form: `condition · form`."""
    terms = ((Gated(condition, form),) if form else () for form in forms)
    return Value(tuple(Signal(constant(0), term) for term in terms))


def disjoint_or(*words: Word | Value) -> Value:
    """The bitwise sum of words of one width; in no place may two of them have a one.

    Raises CompileError for words of several widths.
    """
    widths = sorted({len(word) for word in words})
    if len(widths) != 1:
        raise CompileError(f"disjoint_or takes words of one width, not of {widths} bits")
    columns = zip(*(value(word, len(word)).signals for word in words), strict=True)
    return Value(
        tuple(
            Signal(
                sum((signal.linear for signal in column), constant(0)),
                tuple(term for signal in column for term in signal.gated),
            )
            for column in columns
        )
    )


def value(operand: Operand | Condition | Sequence[Condition], width: int) -> Value:
    """Any operand as a value of `width` signals. Raises CompileError if it has another width.

    A constant may be unsigned or two's complement.
    """
    if isinstance(operand, int):
        if not -(1 << width) // 2 <= operand < 1 << width:
            raise CompileError(f"the constant {operand} stands where {width} bits are needed")
        bits = [constant(operand >> i & 1) for i in range(width)]
        return Value(tuple(Signal(form) for form in bits))
    if isinstance(operand, Condition):
        operand = [operand]
    if isinstance(operand, Word):
        result = Value(tuple(Signal(bit(lane)) for lane in operand))
    elif isinstance(operand, Value):
        result = operand
    else:
        terms = [(Gated(condition, constant(1)),) for condition in operand]
        result = Value(tuple(Signal(constant(0), term) for term in terms))
    if len(result) != width:
        raise CompileError(f"a value of {len(result)} bits stands where {width} are needed")
    return result
