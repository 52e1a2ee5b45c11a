"""Control: whether a jump or branch is taken, the next program counter, traps and their causes.

An instruction that traps changes nothing but the trap and its cause. One that leads out of memory,
by a jump or behind the last word, is completed; the fetch that would follow traps at once.
"""

from __future__ import annotations

from dataclasses import dataclass

from looped.compiler.arithmetic import all_ones, equal
from looped.compiler.signals import (
    Condition,
    Gated,
    Signal,
    Value,
    literal,
    merge,
    value,
    weighed,
)
from looped.compiler.words import Word, bit, constant, total
from looped.machines.rv32i.adder import Adder
from looped.machines.rv32i.decode import KINDS, Decoded
from looped.machines.rv32i.memory import STORES

__all__ = ["Outcome", "accesses", "is_legal", "low_equality", "settled", "taken"]

_RESULTS = ("sum", "and", "or or xor", "left", "right", "slt", "sltu")


def is_legal(d: Decoded) -> Value:
    """Whether the word is an instruction, and none that traps by itself."""
    return Value((Signal(d.bit(*KINDS)),))


def settled(d: Decoded) -> Value:
    """Whether there is a result for another register than x0, come what may."""
    return weighed(literal(d.named), d.bit(*_RESULTS) - d.bit("jump"))


def accesses(d: Decoded) -> Value:
    """Whether something is written if the memory access is in order."""
    stores = Value((Signal(d.bit(*STORES)),))
    return merge(stores, weighed(literal(d.named), d.bit("load")))


def low_equality(d: Decoded, kind: str, difference: Adder) -> Value:
    """Whether the low bits are equal, under BEQ or BNE: x + ~y + 1 is then just what carries."""
    low, limit = difference.low_total, difference.low_limit
    flag = d.bit(kind)
    return merge(weighed(Condition(low, limit), flag), weighed(Condition(low, limit + 1), -flag))


def taken(d: Decoded, difference: Adder, beq: Word, bne: Word) -> Value:
    """Whether the program counter is set to a target; `beq` and `bne` tell equality of low bits.

    Each kind is weighed by what its comparison says. All are thresholds of one sum.
    """
    equality = bit(beq[0]) - bit(bne[0])
    more = Condition(difference.high_total, difference.high_limit + 1)
    return merge(
        Value((Signal(d.bit("jump", "blt", "bltu", "bne")),)),
        weighed(difference.signed, d.bit("bge") - d.bit("blt")),
        weighed(difference.unsigned, d.bit("bgeu") - d.bit("bltu") + equality),
        weighed(more, -equality),
    )


@dataclass(frozen=True, slots=True)
class Outcome:
    """What has become of an instruction, before the program counter moves.

    `stuck` says that it is a load or a store that cannot be done; `misplaced` are the bits of its
    address that should be zero and may not be. A jump or a branch that is `taken` to a misaligned
    target shows in the target alone.
    """

    decoded: Decoded
    address_bits: int
    pc: Word
    trapped: Word
    legal: Word
    taken: Word
    target: Word
    stuck: Word
    misplaced: Word

    @property
    def _goes_on(self) -> Condition:
        """Whether it leads to the instruction behind it."""
        return literal(self.legal) & ~literal(self.taken) & ~literal(self.stuck)

    @property
    def _goes_off(self) -> Condition:
        """Whether it leads to its target."""
        return literal(self.taken) & ~literal(self.target[1:2])

    @property
    def _strays(self) -> list[tuple[Condition, int]]:
        """Whether it leads out of memory: conditions to be added and taken away.

        Bit 31 of a target is not looked at.
        """
        place = self.pc[2 : self.address_bits + 2]
        inside = ~Condition(total(self.target[self.address_bits + 2 : -1]), 1)
        return [
            (self._goes_on & all_ones(place), 1),
            (self._goes_off, 1),
            (self._goes_off & inside, -1),
        ]

    def next_pc(self) -> Value:
        """The next instruction (a bit flips where all below are ones), the target, or no change."""
        signals = [Signal(bit(lane)) for lane in self.pc[:2]]
        for i, (lane, target) in enumerate(zip(self.pc[2:], self.target[2:], strict=True), 2):
            flips = self._goes_on
            if i > 2:
                flips = flips & all_ones(self.pc[2:i])
            step = Gated(flips, constant(1) - bit(lane) * 2)
            jump = Gated(self._goes_off, bit(target) - bit(lane))
            signals.append(Signal(bit(lane), (step, jump)))
        return Value(tuple(signals))

    def trap(self) -> Value:
        """Set unless the instruction leads somewhere within memory; so it stays once it is set."""
        return merge(
            Value((Signal(constant(1)),)),
            weighed(self._goes_on, constant(-1)),
            weighed(self._goes_off, constant(-1)),
            *(weighed(condition, constant(sign)) for condition, sign in self._strays),
        )

    def cause(self, cause: Word) -> Value:
        """The number of the trap, bit by bit; zero while there is none."""
        d, stuck = self.decoded, literal(self.stuck)
        called, breaks = d.bit("ecall"), d.bit("ebreak")
        unknown = ~literal(self.trapped) & ~literal(self.legal)
        bits = [
            merge(
                Value((Signal(called + breaks),)),
                weighed(stuck & equal(self.misplaced, 0), constant(1)),
                *(weighed(condition, constant(sign)) for condition, sign in self._strays),
            ),
            merge(weighed(unknown, constant(1)), weighed(stuck, d.bit(*STORES))),
            value(self.stuck, 1),
            Value((Signal(called),)),
        ]
        merged = (
            merge(Value((Signal(bit(lane)),)), new) for lane, new in zip(cause, bits, strict=True)
        )
        return Value(tuple(signal for word in merged for signal in word.signals))
