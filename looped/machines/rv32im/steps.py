"""The next values of the scratch registers in each loop of a multiplication or a division.

A product shifts right by a digit, and the lowest bits of its sum move into `low`. In a division the
sum is the new remainder. It shifts left, two bits of the dividend come in, and the digit of the
quotient moves into `low`, which ends with all of them.
"""

from __future__ import annotations

from dataclasses import dataclass

from looped.circuit.arithmetic import all_ones, equal, select
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
    value,
)
from looped.circuit.words import Word, bit, constant, total
from looped.isa.rv32im import EXTENSION
from looped.machines.rv32i.core import Datapath
from looped.machines.rv32i.patterns import any_match, exactly
from looped.machines.rv32im import digits
from looped.machines.rv32im.digits import DIGIT, QUOTIENT_DIGIT
from looped.machines.rv32im.scratch import PARTIAL, Scratch
from looped.machines.rv32im.total import CUT, Total, add_digit

__all__ = ["Steps", "advance", "decode_steps"]

_PRODUCTS = ("mul", "mulh", "mulhsu", "mulhu")
_QUOTIENTS = ("div", "divu", "rem", "remu")
_ONE, _ZERO = constant(1), constant(0)
_FIRST_OF_PRODUCT = 3
"""The bit of the count that is set as a product begins: 8 of 16 steps are left."""


@dataclass(frozen=True, slots=True)
class Steps:
    """What this loop does, as bits: it `starts` or `steps`, or it does neither.

    `starts_quotient` and `divides` are set too in a division, `starts_signed` if x[rs2] is a signed
    number, `starts_unsigned` if x[rs1] is an unsigned one in a product, `next_of_product` or
    `next_of_quotient` if the next loop is another step.
    """

    unfinished: Word
    starts: Word
    starts_quotient: Word
    starts_signed: Word
    starts_unsigned: Word
    steps: Word
    divides: Word
    next_of_product: Word
    next_of_quotient: Word

    @property
    def starts_product(self) -> Condition:
        """Whether a product starts."""
        return literal(self.starts) & ~literal(self.starts_quotient)

    @property
    def multiplies(self) -> Condition:
        """Whether this is a step of a product."""
        return literal(self.steps) & ~literal(self.divides)


def decode_steps(m: Circuit, instruction: Word, running: Condition, state: Scratch) -> Steps:
    """Decode `Steps` from an instruction word and the scratch registers; `running` is whether it is
    to be executed."""
    fresh, step = running & ~literal(state.busy), state.stepping
    continues = step & ~state.at_last_step

    def some(name: str, mnemonics: tuple[str, ...], also: Condition) -> Word:
        return m.let(name, any_match(instruction, exactly(*mnemonics), also))

    return Steps(
        unfinished=some("unfinished", (*EXTENSION,), running & ~literal(state.count.sign)),
        starts=some("starts", (*EXTENSION,), fresh),
        starts_quotient=some("starts quotient", _QUOTIENTS, fresh),
        starts_signed=some("starts signed", ("mul", "mulh", "div", "rem"), fresh),
        starts_unsigned=some("starts unsigned", ("mulhu",), fresh),
        steps=some("steps", (*EXTENSION,), step),
        divides=some("divides", _QUOTIENTS, step),
        next_of_product=some("next of product", _PRODUCTS, continues),
        next_of_quotient=some("next of quotient", _QUOTIENTS, continues),
    )


def advance(m: Circuit, s: Steps, state: Scratch, path: Datapath) -> None:
    """Give the registers their next values."""
    done = add_digit(m, state, s.steps)
    signed = literal(s.starts_quotient) & literal(s.starts_signed)
    complement, negative = (
        m.let(f"{name} negative", any_of_disjoint([signed & literal(word.sign)]))
        for name, word in (("divisor", path.rs2), ("dividend", path.x))
    )
    fits = digits.small(m, literal(s.starts_quotient), complement, path.rs2)
    magnitude = _magnitude(s, path, negative)
    m.next(state.busy, s.unfinished)
    m.next(state.count, _counted(s, state.count))
    m.next(state.partial, _partial(s, state, magnitude, done))
    m.next(state.low, _low(s, state, path, magnitude, done))
    m.next(state.second, _second(s, state, path, complement))
    m.next(state.digit, _digit(m, s, state, path, (fits, negative), done))
    _signs(m, s, state, path, complement, negative)


def _magnitude(s: Steps, path: Datapath, negative: Word) -> Value:
    """The dividend without its sign, as a division starts: a complement is one more."""
    plain, less = ([*map(bit, word)] for word in (path.x, path.result))
    changed = [_ONE - new - old for old, new in zip(plain, less, strict=True)]
    return disjoint_or(
        gated(literal(s.starts_quotient), *plain), gated(literal(negative), *changed)
    )


def _shifted_in(lowest: Value, *words: Value, width: int) -> Value:
    """`width` bits of some words, one behind the other, and zeros above them."""
    signals = (*lowest.signals, *(signal for word in words for signal in word.signals))
    return Value((*signals, *[Signal(_ZERO)] * width)[:width])


def _partial(s: Steps, state: Scratch, magnitude: Value, done: Total) -> Value:
    """The product without its lowest bits; or the remainder, and the next bits of the dividend."""
    bits = [*value(done.low, CUT).signals, *done.high.signals]
    product = [*bits, *bits[-1:] * PARTIAL][DIGIT:][:PARTIAL]
    brought = value(state.low[-QUOTIENT_DIGIT:], QUOTIENT_DIGIT)
    quotient = _shifted_in(brought, Value((*bits[:32],)), width=PARTIAL)
    top = Value(magnitude.signals[-QUOTIENT_DIGIT:])
    return disjoint_or(
        _shifted_in(top, width=PARTIAL),
        select(s.multiplies, Value((*product,)), 0, PARTIAL),
        select(s.divides, quotient, 0, PARTIAL),
    )


def _low(s: Steps, state: Scratch, path: Datapath, magnitude: Value, done: Total) -> Value:
    """What is left of the multiplier behind the product, or of the dividend behind the quotient."""
    low, divides = [*map(bit, state.low)], literal(s.divides)
    one, two, three = (literal(w) for w in (state.units.one, state.units.two, state.three))
    digit = (
        any_of_disjoint([divides & three, divides & one & ~two & ~three]),
        any_of_disjoint([divides & two]),
    )
    return disjoint_or(
        gated(s.starts_product, *map(bit, path.x)),
        _shifted_in(value(0, QUOTIENT_DIGIT), magnitude, width=32),
        gated(s.multiplies, *low[DIGIT:], *map(bit, done.low[:DIGIT])),
        gated(divides, *[_ZERO] * QUOTIENT_DIGIT, *low[:-QUOTIENT_DIGIT]),
        _shifted_in(digit[0], digit[1], width=32),
    )


def _second(s: Steps, state: Scratch, path: Datapath, complement: Word) -> Value:
    """x[rs2] with a sign, or the complement of a negative divisor, as an instruction starts."""
    taken = [*map(bit, path.rs2)]
    signed = s.starts_product & literal(s.starts_signed) & literal(path.rs2.sign)
    kept = [*map(bit, state.second)]
    word = disjoint_or(
        gated(literal(s.starts), *taken),
        gated(literal(complement), *(_ONE - form * 2 for form in taken)),
    )
    return disjoint_or(
        Value((*word.signals, *any_of_disjoint([signed]).signals)),
        gated(literal(s.steps), *kept),
    )


def _digit(
    m: Circuit,
    s: Steps,
    state: Scratch,
    path: Datapath,
    started: tuple[list[Condition], Word],
    done: Total,
) -> Value:
    """The digit of the next step."""
    fits, negative = started
    starts, below = literal(s.starts_quotient), literal(negative)

    def tops(number: int) -> list[Condition]:
        changed = (1 << QUOTIENT_DIGIT) - 1 - number
        return [
            starts & ~below & equal(path.x[-QUOTIENT_DIGIT:], number),
            starts & below & equal(path.result[-QUOTIENT_DIGIT:], changed),
        ]

    return disjoint_or(
        digits.first_of_multiplier(s.starts_product, path.x),
        digits.of_multiplier(literal(s.next_of_product), state.low),
        digits.first_of_quotient(starts, fits, tops),
        digits.of_quotient(m, literal(s.next_of_quotient), state, done),
    )


def _signs(
    m: Circuit, s: Steps, state: Scratch, path: Datapath, complement: Word, negative: Word
) -> None:
    """Note the signs of the operands as an instruction starts."""
    signed = literal(s.starts_quotient) & literal(s.starts_signed)
    below, minus = literal(path.x.sign), literal(path.rs2.sign)
    divides, multiplies = literal(s.divides), s.multiplies
    negated = [signed & ~below & minus, signed & below & ~minus & Condition(total(path.rs2), 1)]
    notes = (
        (state.complement, [literal(complement)], divides),
        (state.negative, [literal(negative)], divides),
        (state.negate, negated, divides),
        (state.once_more, [literal(s.starts_unsigned) & below], multiplies),
    )
    for register, conditions, keeps in notes:
        kept = gated(keeps, bit(register[0]))
        m.next(register, disjoint_or(any_of_disjoint(conditions), kept))


def _counted(s: Steps, count: Word) -> Value:
    """One more in a step, else zero: a bit flips where all below are ones. A product begins at
    eight."""
    signals, steps = [], literal(s.steps)
    for i, lane in enumerate(count):
        flips = steps & all_ones(count[:i]) if i else steps
        terms = [Gated(steps, bit(lane)), Gated(flips, _ONE - bit(lane) * 2)]
        if i == _FIRST_OF_PRODUCT:
            terms.append(Gated(s.starts_product, _ONE))
        signals.append(Signal(_ZERO, tuple(terms)))
    return Value(tuple(signals))
