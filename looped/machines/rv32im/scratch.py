"""Scratch: the registers of an unfinished multiplication or division.

In the first loop of an instruction `busy` is not set. Then `count` goes up to 15, from 8 in a
product and from 0 in a quotient; in the last loop its top bit is set. Between two instructions all
of these words are zero.
"""

from __future__ import annotations

from dataclasses import dataclass

from looped.circuit.arithmetic import all_ones
from looped.circuit.circuit import Circuit
from looped.circuit.signals import Condition, literal
from looped.circuit.words import Word

__all__ = ["PARTIAL", "SECOND", "Digit", "Scratch", "registers"]

PARTIAL = 35
"""Bits of `partial`: less than four times a divisor, or a product of a word and a digit, signed."""

SECOND = 33
"""Bits of `second`: a signed number or an unsigned word."""


@dataclass(frozen=True, slots=True)
class Digit:
    """A digit from -2 to 2: two if `two` is set, else one if `one` is; `negative` is its sign."""

    one: Word
    two: Word
    negative: Word


@dataclass(frozen=True, slots=True)
class Scratch:
    """Registers of the CPU. A step adds `second` times `units + 4 fours` to `partial`.

    | register     | in a product                   | in a quotient                               |
    |--------------|--------------------------------|---------------------------------------------|
    | `partial`    | the sum so far                 | the remainder and the next two bits         |
    | `low`        | the product, the multiplier    | the quotient, the dividend                  |
    | `second`     | x[rs2]                         | the divisor, complemented if negative       |
    | `digit`      | of the multiplier              | of the quotient, negative                   |
    | `complement` |                                | whether the divisor is negative             |
    | `negative`   |                                | whether the dividend is negative            |
    | `negate`     |                                | whether the quotient is negative            |
    | `once_more`  | whether x[rs1] is unsigned and has its highest bit, which counts 2^32 more   |
    """

    busy: Word
    count: Word
    partial: Word
    low: Word
    second: Word
    digit: Word
    complement: Word
    negative: Word
    negate: Word
    once_more: Word

    @property
    def units(self) -> Digit:
        """The part of the digit from -2 to 2, unless it is `three`."""
        return Digit(self.digit[:1], self.digit[1:2], self.digit[2:3])

    @property
    def three(self) -> Word:
        """Whether the digit of a quotient is three: one less than four, so `units` are 1."""
        return self.digit[3:4]

    @property
    def fours(self) -> Digit:
        """The part of the digit that counts four times."""
        return Digit(self.digit[4:5], self.digit[5:6], self.digit[6:])

    @property
    def stepping(self) -> Condition:
        """Whether this is a loop between the first and the last."""
        return literal(self.busy) & ~literal(self.count.sign)

    @property
    def at_last_step(self) -> Condition:
        """Whether it is the last of those."""
        return all_ones(self.count[:-1])

    @property
    def finishing(self) -> Condition:
        """Whether this is the last loop."""
        return literal(self.busy) & literal(self.count.sign)


def registers(m: Circuit) -> Scratch:
    """The registers, which are zero between two instructions."""

    s = Scratch(
        busy=m.register("busy", 1),
        count=m.register("count", 5),
        partial=m.register("partial", PARTIAL),
        low=m.register("low", 32),
        second=m.register("second operand", SECOND),
        digit=m.register("digit", 7),
        complement=m.register("complement", 1),
        negative=m.register("negative", 1),
        negate=m.register("negate", 1),
        once_more=m.register("once more", 1),
    )
    signs = s.complement, s.negative, s.negate, s.once_more
    m.multi_loop(s.busy, s.count, s.partial, s.low, s.second, s.digit, *signs)
    return s
