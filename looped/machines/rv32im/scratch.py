"""Scratch: the registers of an unfinished multiplication or division.

In the first loop of an instruction `busy` is not set. In the next 32 loops `count` runs from 0 to
31; in the last loop its top bit is set. Between two instructions all of these words are zero.
"""

from __future__ import annotations

from dataclasses import dataclass

from looped.circuit.arithmetic import all_ones
from looped.circuit.circuit import Circuit
from looped.circuit.signals import Condition, literal
from looped.circuit.words import Word

__all__ = ["Scratch", "registers"]


@dataclass(frozen=True, slots=True)
class Scratch:
    """Registers of the CPU.

    Together `high` and `low` hold 64 bits. For a product, the multiplier shifts out to the right.
    For a quotient, they hold the remainder and the dividend, which shifts into the remainder,
    followed by the quotient. If the dividend is `negative`, remainder and dividend are
    complemented. `opposite` says whether the signs of dividend and divisor differ, `negate` whether
    the quotient is negative and therefore complemented too.
    """

    busy: Word
    count: Word
    high: Word
    low: Word
    negative: Word
    opposite: Word
    negate: Word

    @property
    def stepping(self) -> Condition:
        """Whether this is one of the 32 loops between the first and the last."""
        return literal(self.busy) & ~literal(self.count.sign)

    @property
    def at_last_step(self) -> Condition:
        """Whether it is the last of those 32."""
        return self.stepping & all_ones(self.count[:-1])

    @property
    def finishing(self) -> Condition:
        """Whether this is the last loop."""
        return literal(self.busy) & literal(self.count.sign)


def registers(m: Circuit) -> Scratch:
    """The registers, which are zero between two instructions."""
    state = Scratch(
        busy=m.register("busy", 1),
        count=m.register("count", 6),
        high=m.register("high", 32),
        low=m.register("low", 32),
        negative=m.register("negative", 1),
        opposite=m.register("opposite", 1),
        negate=m.register("negate", 1),
    )
    words = state.count, state.high, state.low, state.negative, state.opposite, state.negate
    m.multi_loop(state.busy, *words)
    return state
