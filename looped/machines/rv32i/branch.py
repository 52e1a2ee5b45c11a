"""The branch unit: the target of a jump or branch, and whether it is taken."""

from __future__ import annotations

from dataclasses import dataclass

from looped.circuit.circuit import Circuit
from looped.circuit.signals import Condition, Signal, Value, disjoint_or, gated, value
from looped.circuit.words import Form, Word, bit, constant
from looped.machines.rv32i.adder import Adder, adder
from looped.machines.rv32i.kinds import flag

__all__ = ["BranchInputs", "BranchOutputs", "branch"]


@dataclass(frozen=True, slots=True)
class BranchInputs:
    """Ports into the branch unit.

    | port                 | bits   | content                                              |
    |----------------------|--------|------------------------------------------------------|
    | `base`, `offset`     | 32     | their sum is the target                              |
    | `difference`         | 32     | x + ~y + 1 for a branch that compares x with y       |
    | `is_jump`            | 1      | JAL or JALR                                          |
    | `is_beq`, `is_bne`   | 1 each | taken if x = y, if x ≠ y                             |
    | `is_blt`, `is_bge`   | 1 each | taken if x < y, if x ≥ y, signed                     |
    | `is_bltu`, `is_bgeu` | 1 each | the same, unsigned                                   |
    | `unfinished`         | 1      | jump in any case; None on a machine of one loop      |
    """

    base: Word
    offset: Word
    difference: Adder
    is_jump: Word
    is_beq: Word
    is_bne: Word
    is_blt: Word
    is_bge: Word
    is_bltu: Word
    is_bgeu: Word
    unfinished: Word | None


@dataclass(frozen=True, slots=True)
class BranchOutputs:
    """Ports out of the branch unit.

    | port     | bits | content                                               |
    |----------|------|-------------------------------------------------------|
    | `target` | 32   | the address to jump to, perhaps misaligned            |
    | `taken`  | 1    | whether the program counter is to become the target   |
    """

    target: Word
    taken: Word


def branch(m: Circuit, i: BranchInputs) -> BranchOutputs:
    """Add up the target, and decide whether to take it."""
    jump = adder(m, "target", i.base, i.offset, constant(0))
    target = Word("target", (*jump.low, *m.let("target high", jump.high)))
    low = i.difference.low_total(m, "difference")
    beq = m.let("beq low", _low_equality(i.is_beq, *low))
    bne = m.let("bne low", _low_equality(i.is_bne, *low))
    taken = disjoint_or(_taken(i, beq, bne), i.unfinished or value(0, 1))
    return BranchOutputs(target, m.let("taken", taken))


def _low_equality(is_branch: Word, low: Form, limit: int) -> Value:
    """Whether the low bits are equal, gated by BEQ or BNE: x + ~y + 1 is then exactly the limit."""
    under = flag(is_branch)
    return disjoint_or(
        gated(Condition(low, limit), under), gated(Condition(low, limit + 1), -under)
    )


def _taken(i: BranchInputs, beq: Word, bne: Word) -> Value:
    """Whether a branch is taken; `beq` and `bne` say whether the low bits are equal.

    Each kind is gated by its comparison. All comparisons are thresholds of one sum.
    """
    equality = bit(beq[0]) - bit(bne[0])
    more = Condition(i.difference.high_total, i.difference.high_limit + 1)
    return disjoint_or(
        Value((Signal(flag(i.is_jump, i.is_blt, i.is_bltu, i.is_bne)),)),
        gated(i.difference.signed, flag(i.is_bge) - flag(i.is_blt)),
        gated(i.difference.unsigned, flag(i.is_bgeu) - flag(i.is_bltu) + equality),
        gated(more, -equality),
    )
