"""Control: the next program counter, traps and their causes.

An instruction that traps changes only the trap and its cause. An instruction that leaves memory, by
a jump or past the last word, completes; the next fetch traps at once.
"""

from __future__ import annotations

from dataclasses import dataclass

from looped.circuit.arithmetic import all_ones, equal
from looped.circuit.signals import (
    Condition,
    Gated,
    Signal,
    Value,
    disjoint_or,
    gated,
    literal,
    value,
)
from looped.circuit.words import Word, bit, constant
from looped.machines.rv32i.kinds import flag
from looped.machines.rv32i.places import Places

__all__ = ["ControlInputs", "ControlOutputs", "control"]


@dataclass(frozen=True, slots=True)
class ControlInputs:
    """Ports into control.

    | port           | bits   | content                                                          |
    |----------------|--------|------------------------------------------------------------------|
    | `pc`           | 32     | the program counter                                              |
    | `trapped`      | 1      | whether the hart waits for its host                              |
    | `cause`        | 4      | the cause of its trap, else zero                                 |
    | `places`       |        | which addresses are in memory: Places                            |
    | `legal`        | 1      | whether the word is an instruction that does not always trap     |
    | `taken`        | 1      | whether a jump or branch is taken                                |
    | `target`       | 32     | the target of the jump or branch                                 |
    | `mem_fault`    | 1      | whether a load or store is misaligned or outside memory          |
    | `misaligned`   | 2      | the bits of its address that are one but must be zero            |
    | `is_ecall`     | 1      | ECALL                                                            |
    | `is_ebreak`    | 1      | EBREAK                                                           |
    | `stores`       | 1 each | flags of the stores                                              |
    """

    pc: Word
    trapped: Word
    cause: Word
    places: Places
    legal: Word
    taken: Word
    target: Word
    mem_fault: Word
    misaligned: Word
    is_ecall: Word
    is_ebreak: Word
    stores: tuple[Word, ...]


@dataclass(frozen=True, slots=True)
class ControlOutputs:
    """Ports out of control: the next values of registers of the hart.

    | port      | bits | content             |
    |-----------|------|---------------------|
    | `pc`      | 32   | the program counter |
    | `trapped` | 1    | the trap            |
    | `cause`   | 4    | its cause           |
    """

    pc: Value
    trapped: Value
    cause: Value


def control(i: ControlInputs) -> ControlOutputs:
    """Decide what follows an instruction."""
    return ControlOutputs(next_pc(i), _trap(i), _cause(i))


def falls_through(i: ControlInputs) -> Condition:
    """Whether the next instruction is the one after it."""
    return literal(i.legal) & ~literal(i.taken) & ~literal(i.mem_fault)


def jumps(i: ControlInputs) -> Condition:
    """Whether the next instruction is at the target; a misaligned target traps."""
    return literal(i.taken) & ~literal(i.target[1:2])


def leaves_memory(i: ControlInputs) -> list[tuple[Condition, int]]:
    """Whether the next instruction is outside memory, as conditions with factors to add up."""
    last = falls_through(i) & all_ones(i.pc[2 : i.places.top])
    inside = [(jumps(i) & region, -1) for region in i.places.inside(i.target)]
    return [(last, 1), (jumps(i), 1), *inside]


def next_pc(i: ControlInputs) -> Value:
    """The next instruction (a bit flips where all below are ones), the target, or no change."""
    signals = [Signal(bit(lane)) for lane in i.pc[:2]]
    for k, (lane, target) in enumerate(zip(i.pc[2:], i.target[2:], strict=True), 2):
        flips = falls_through(i)
        if k > 2:
            flips = flips & all_ones(i.pc[2:k])
        step = Gated(flips, constant(1) - bit(lane) * 2)
        jump = Gated(jumps(i), bit(target) - bit(lane))
        signals.append(Signal(bit(lane), (step, jump)))
    return Value(tuple(signals))


def _trap(i: ControlInputs) -> Value:
    """Set unless the next instruction is in memory, so it stays set."""
    return disjoint_or(
        Value((Signal(constant(1)),)),
        gated(falls_through(i), constant(-1)),
        gated(jumps(i), constant(-1)),
        *(gated(condition, constant(sign)) for condition, sign in leaves_memory(i)),
    )


def _cause(i: ControlInputs) -> Value:
    """The number of the trap, bit by bit; zero while there is none."""
    fault = literal(i.mem_fault)
    unknown = ~literal(i.trapped) & ~literal(i.legal)
    bits = [
        disjoint_or(
            Value((Signal(flag(i.is_ecall, i.is_ebreak)),)),
            gated(fault & equal(i.misaligned, 0), constant(1)),
            *(gated(condition, constant(sign)) for condition, sign in leaves_memory(i)),
        ),
        disjoint_or(gated(unknown, constant(1)), gated(fault, flag(*i.stores))),
        value(i.mem_fault, 1),
        Value((Signal(flag(i.is_ecall)),)),
    ]
    merged = (
        disjoint_or(Value((Signal(bit(lane)),)), new)
        for lane, new in zip(i.cause, bits, strict=True)
    )
    return Value(tuple(signal for word in merged for signal in word.signals))
