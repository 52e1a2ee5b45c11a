"""The ALU: sums and differences, logic, comparisons. All of them except the logic use one adder."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain

from looped.circuit.circuit import Circuit
from looped.circuit.signals import Condition, Gated, Signal, Value, disjoint_or, gated, literal
from looped.circuit.words import Word, bit, constant
from looped.machines.rv32i.adder import Adder, adder
from looped.machines.rv32i.kinds import flag

__all__ = ["AluInputs", "AluOutputs", "alu"]


@dataclass(frozen=True, slots=True)
class AluInputs:
    """Ports into the ALU.

    | port           | bits   | content                                       |
    |----------------|--------|-----------------------------------------------|
    | `x`, `y`       | 32     | the operands                                  |
    | `carry`        | 1      | added to their sum                            |
    | `is_sum`       | 1      | the result is the sum                         |
    | `is_and`       | 1      | the result is x AND y                         |
    | `is_or_or_xor` | 1      | the result is x OR y, or x XOR y              |
    | `is_xor`       | 1      | the result is x XOR y                         |
    | `is_slt`       | 1      | the result is 1 if x < y signed               |
    | `is_sltu`      | 1      | the result is 1 if x < y unsigned             |

    For a comparison y is a complement and the carry is 1.
    """

    x: Word
    y: Word
    carry: Word
    is_sum: Word
    is_and: Word
    is_or_or_xor: Word
    is_xor: Word
    is_slt: Word
    is_sltu: Word


@dataclass(frozen=True, slots=True)
class AluOutputs:
    """Ports out of the ALU.

    | port     | bits | content                                                |
    |----------|------|--------------------------------------------------------|
    | `sum`    | 32   | x + y + carry, with its comparisons, whatever the kind |
    | `result` | 32   | the result, zero if no kind is set                     |
    """

    sum: Adder
    result: Value


def alu(m: Circuit, i: AluInputs) -> AluOutputs:
    """Add, and compute the result of an instruction other than shifts and loads."""
    added = adder(m, "sum", i.x, i.y, bit(i.carry[0]))
    logic = m.let("logic", _logic(i))
    is_sum = literal(i.is_sum)
    parts = (m.select(is_sum, part, 0).signals for part in (added.low, added.high))
    whole = Value((*chain.from_iterable(parts),))
    return AluOutputs(added, disjoint_or(logic, whole, _compare(i, added)))


def _logic(i: AluInputs) -> Value:
    """AND, OR, XOR, else zero: x + y for OR and XOR, corrected where both bits are ones."""
    both_ones = flag(i.is_and) - flag(i.is_or_or_xor) - flag(i.is_xor)
    signals = []
    for a, b in zip(i.x, i.y, strict=True):
        ones = bit(a) + bit(b)
        terms = Gated(literal(i.is_or_or_xor), ones), Gated(Condition(ones, 2), both_ones)
        signals.append(Signal(constant(0), terms))
    return Value(tuple(signals))


def _compare(i: AluInputs, difference: Adder) -> Value:
    """SLT, SLTU, else zero: a word of 32 bits."""
    less = disjoint_or(
        Value((Signal(flag(i.is_slt, i.is_sltu)),)),
        gated(difference.signed, -flag(i.is_slt)),
        gated(difference.unsigned, -flag(i.is_sltu)),
    )
    return Value((*less.signals, *[Signal(constant(0))] * 31))
