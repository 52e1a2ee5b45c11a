"""Writes: what a sequence writes, one word a loop.

| loop    | instruction                      | way to a handler |
|---------|----------------------------------|------------------|
| first   | nothing                          | mepc := pc       |
| compute | nothing                          | mcause           |
| change  | memory or the register file      | mtval            |
| deliver | rd := `old`                      | nothing          |
"""

from __future__ import annotations

from looped.circuit.circuit import Circuit
from looped.circuit.signals import (
    Condition,
    Signal,
    Value,
    any_of_disjoint,
    disjoint_or,
    gated,
    literal,
)
from looped.circuit.words import Form, Word, bit, constant, total
from looped.machines.rv32i.core import Fetched
from looped.machines.rv32i.decode import any_set
from looped.machines.rv32i.extension import WritePorts
from looped.machines.rv32ima.control_registers import Changes, put
from looped.machines.rv32ima.sequence import Sequence, in_third
from looped.machines.rv32ima.state import MCAUSE, MEPC, MTVAL, RESERVATION, State

__all__ = ["writes"]

_TIMER = 1 << 31 | 7


def writes(
    m: Circuit, fetched: Fetched, state: State, s: Sequence, changes: Changes, unfinished: Word
) -> WritePorts:
    """What the sequence writes in this loop, and where. Nothing is written while a multiplication
    or division is `unfinished`."""
    w = state.working
    entering, quiet = literal(state.entering), ~literal(s.sets_out)
    second = quiet & entering & literal(w.compute)
    last = quiet & literal(w.deliver) & ~any_set(state.entering, w.compute, w.change)
    given = Condition(total(w.receiver), 1)
    cause = [*map(bit, fetched.cause), *[constant(0)] * 28]
    noted = [second, quiet & entering & literal(w.change) & ~literal(w.compute)]
    own = any_of_disjoint([*noted, last & given])
    when = m.let("sequence writes", Condition(_flags(s.sets_out, s.puts, s.files), 1))
    noted_or_given = m.let("sequence notes", own)
    return WritePorts(
        result=disjoint_or(
            gated(literal(s.sets_out), *map(bit, fetched.pc)),
            gated(second & ~literal(state.interrupt), *cause),
            gated(second & literal(state.interrupt), *_bits(_TIMER, 32)),
            put(changes, state, quiet & in_third(state)),
            gated(last, *map(bit, w.old)),
        ),
        number=m.let("number", _number(fetched.instruction, state, s)),
        when=Value((Signal(_flags(when, noted_or_given)),)),
        to_memory=s.puts,
        withheld=(unfinished, s.computes, s.compares, s.locates),
    )


def _number(instruction: Word, state: State, s: Sequence) -> Value:
    """The register to write: rd, or a word of the file.

    A control register has the last bits of its own number; an atomic instruction, whose opcode has
    bit 2, writes the reservation, whose number has that bit.
    """
    w = state.working
    quiet, own = ~literal(s.sets_out), ~any_set(s.sets_out, state.entering)
    second, third = literal(w.compute), literal(w.change) & ~literal(w.compute)
    rd = [*map(bit, instruction[7:12]), constant(0)]
    filed = [*map(bit, instruction[20:23]), constant(0), constant(0), constant(1)]
    atomic = literal(instruction[2:3])
    return disjoint_or(
        gated(own & ~any_set(w.change, w.deliver), *rd),
        gated(own & literal(w.deliver) & ~literal(w.change), *map(bit, w.receiver), constant(0)),
        gated(literal(s.sets_out), *_bits(MEPC, 6)),
        gated(quiet & literal(state.entering) & second, *_bits(MCAUSE, 6)),
        gated(quiet & literal(state.entering) & third, *_bits(MTVAL, 6)),
        gated(own & third & ~atomic, *filed),
        gated(own & third & atomic, *_bits(RESERVATION, 6)),
    )


def _flags(*flags: Word) -> Form:
    return sum((bit(word[0]) for word in flags), constant(0))


def _bits(number: int, width: int) -> list[Form]:
    return [constant(number >> place & 1) for place in range(width)]
