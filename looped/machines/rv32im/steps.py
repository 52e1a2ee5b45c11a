"""The next values of the scratch registers in each loop of a multiplication or a division.

A product shifts right by one place, and the carry of its sum comes in from the left; for a signed
multiplicand that is the sign of the sum. In a division, the difference is the new remainder if it
is not negative, and the next bit of the quotient is one; else the remainder, shifted left, stays
and that bit is zero.
"""

from __future__ import annotations

from dataclasses import dataclass

from looped.circuit.arithmetic import all_ones
from looped.circuit.circuit import Circuit
from looped.circuit.signals import (
    Condition,
    Gated,
    Signal,
    Value,
    any_of_disjoint,
    disjoint_or,
    gated,
    literal,
)
from looped.circuit.words import Word, bit, constant, total
from looped.isa.rv32im import EXTENSION
from looped.machines.rv32i.core import Datapath
from looped.machines.rv32i.patterns import any_match, exactly
from looped.machines.rv32im.scratch import Scratch

__all__ = ["Steps", "advance", "decode_steps"]

_PRODUCTS = ("mul", "mulh", "mulhsu", "mulhu")
_QUOTIENTS = ("div", "divu", "rem", "remu")


@dataclass(frozen=True, slots=True)
class Steps:
    """What this loop does, as bits: at most one of `starts`, `multiplies` and `divides`.

    `starts_signed` is set if a signed division starts. A product is of a `signed` or an `unsigned`
    multiplicand (for MUL it does not matter). `beyond` is the bit that the remainder of an unsigned
    division loses as it shifts left.
    """

    unfinished: Word
    starts: Word
    starts_signed: Word
    steps: Word
    multiplies: Word
    signed: Word
    unsigned: Word
    divides: Word
    beyond: Word


def decode_steps(m: Circuit, instruction: Word, running: Condition, state: Scratch) -> Steps:
    """Decode `Steps` from an instruction word and the scratch registers.

    `running` says whether the hart executes an instruction at all.
    """
    fresh = running & ~literal(state.busy)
    step = state.stepping

    def some(name: str, mnemonics: tuple[str, ...], also: Condition) -> Word:
        return m.let(name, any_match(instruction, exactly(*mnemonics), also))

    return Steps(
        unfinished=some("unfinished", (*EXTENSION,), running & ~literal(state.count.sign)),
        starts=some("starts", (*EXTENSION,), fresh),
        starts_signed=some("starts signed", ("div", "rem"), fresh),
        steps=some("steps", (*EXTENSION,), step),
        multiplies=some("multiplies", _PRODUCTS, step),
        signed=some("signed step", ("mul", "mulh"), step),
        unsigned=some("unsigned step", ("mulhsu", "mulhu"), step),
        divides=some("divides", _QUOTIENTS, step),
        beyond=some("beyond", _QUOTIENTS, step & literal(state.high.sign)),
    )


def advance(m: Circuit, s: Steps, state: Scratch, path: Datapath) -> None:
    """Give the registers their next values."""
    negative = m.let(
        "starts negative", any_of_disjoint([literal(s.starts_signed) & literal(path.x.sign)])
    )
    fits = m.let("fits", _fits(s, state, path))
    carried = m.let("carried", _carried(s, path))
    m.next(state.busy, s.unfinished)
    m.next(state.count, _counted(s, state.count))

    result = [*map(bit, path.result)]
    kept = literal(s.divides) & ~literal(fits)
    m.next(
        state.high,
        disjoint_or(
            gated(literal(negative), *[constant(1)] * 32),
            gated(literal(s.multiplies), *result[1:], bit(carried[0])),
            gated(literal(fits), *result),
            gated(kept, *map(bit, path.x)),
        ),
    )
    low = [*map(bit, state.low)]
    less = [new - bit(old) for new, old in zip(result, path.x, strict=True)]
    m.next(
        state.low,
        disjoint_or(
            gated(literal(s.starts), *map(bit, path.x)),
            gated(literal(negative), *less),
            gated(literal(s.multiplies), *low[1:], result[0]),
            gated(literal(s.divides), constant(0), *low[:-1]),
            _first(literal(fits) & ~literal(state.negate), kept & literal(state.negate)),
        ),
    )
    _signs(m, s, state, path)


def _first(*conditions: Condition) -> Value:
    """A word of 32 bits whose lowest bit says whether one of these conditions holds."""
    return Value((*any_of_disjoint(conditions).signals, *[Signal(constant(0))] * 31))


def _fits(s: Steps, state: Scratch, path: Datapath) -> Value:
    """Whether the divisor fits into the remainder: the sum carries, or its complement does not."""
    divides, negative = literal(s.divides), literal(state.negative)
    whole, limit = path.sum.high_total, path.sum.high_limit
    carries = Condition(whole + bit(s.beyond[0]) * limit, limit)
    return any_of_disjoint([divides & ~negative & carries, divides & negative & ~path.sum.unsigned])


def _carried(s: Steps, path: Datapath) -> Value:
    """The bit above the sum of a product."""
    signed, unsigned = literal(s.signed), literal(s.unsigned)
    minus = literal(path.inverted)
    return any_of_disjoint(
        [
            signed & ~path.sum.signed,
            unsigned & ~minus & path.sum.unsigned,
            unsigned & minus & ~path.sum.unsigned,
        ]
    )


def _signs(m: Circuit, s: Steps, state: Scratch, path: Datapath) -> None:
    """Note the signs of a signed division as it starts."""
    starts = literal(s.starts_signed)
    below, minus = literal(path.x.sign), literal(path.rs2.sign)
    negated = [starts & ~below & minus, starts & below & ~minus & Condition(total(path.rs2), 1)]
    notes = (
        (state.negative, [starts & below]),
        (state.opposite, [starts & ~below & minus, starts & below & ~minus]),
        (state.negate, negated),
    )
    for register, conditions in notes:
        m.next(
            register,
            disjoint_or(any_of_disjoint(conditions), gated(literal(s.divides), bit(register[0]))),
        )


def _counted(s: Steps, count: Word) -> Value:
    """One more in a step, else zero: a bit flips where all below are ones."""
    steps = literal(s.steps)
    signals = []
    for i, lane in enumerate(count):
        flips = steps & all_ones(count[:i]) if i else steps
        step = Gated(flips, constant(1) - bit(lane) * 2)
        signals.append(Signal(constant(0), (Gated(steps, bit(lane)), step)))
    return Value(tuple(signals))
