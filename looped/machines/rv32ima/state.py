"""State: the registers of the CPU that machine mode adds to those of RV32IM."""

from __future__ import annotations

from dataclasses import dataclass, fields

from looped.circuit.circuit import Circuit
from looped.circuit.signals import Condition, literal
from looped.circuit.words import Word, bit, constant

__all__ = ["MCAUSE", "MEPC", "MTVAL", "MTVEC", "RESERVATION", "State", "Working", "registers"]

MEPC, MCAUSE, MTVAL, RESERVATION, MTVEC = 33, 34, 35, 36, 37
"""Words of the register file. For the first and the last three bits of the number are those of the
number of the control register, as for mscratch, which is 32."""


@dataclass(frozen=True, slots=True)
class Working:
    """What an instruction of several loops leaves from one to the next; zero between instructions.

    | word           | bits   | content                                                      |
    |----------------|--------|--------------------------------------------------------------|
    | `continuing`   | 1      | an instruction takes another loop                            |
    | `compute`      | 1      | this loop is the second of four                              |
    | `change`       | 1      | the third                                                    |
    | `deliver`      | 1      | the last                                                     |
    | `timed`        | 1      | a load or store is one of the timer's words                  |
    | `clock`        | 1      | of mtime, not of mtimecmp                                    |
    | `upper`        | 1      | of the upper half                                            |
    | `old`          | 32     | the word that was read, for rd                               |
    | `new`          | 32     | the word to write                                            |
    | `receiver`     | 5      | the register to write at last, 0 for none                    |
    | `puts`         | 1      | it goes to memory                                            |
    """

    continuing: Word
    compute: Word
    change: Word
    deliver: Word
    timed: Word
    clock: Word
    upper: Word
    old: Word
    new: Word
    receiver: Word
    puts: Word

    @property
    def fresh(self) -> Condition:
        """Whether a loop is the first of an instruction, or of the way to a handler."""
        words = self.compute, self.change, self.deliver
        return Condition(constant(1) - sum((bit(w[0]) for w in words), constant(0)), 1)


@dataclass(frozen=True, slots=True)
class State:
    """What lasts, in words of the CPU.

    | word              | bits    | content                                                   |
    |-------------------|---------|-----------------------------------------------------------|
    | `time`, `timeh`   | 32 each | mtime                                                     |
    | `retired`, `retiredh` | 32 each | mcycle and minstret                                       |
    | `compare`, `compareh` | 32 each | mtimecmp                                              |
    | `interrupts`      | 1       | mstatus.MIE                                               |
    | `earlier`         | 1       | mstatus.MPIE                                              |
    | `timer`           | 1       | mie.MTIE                                                  |
    | `pending`         | 1       | mip.MTIP, as the last instruction began                   |
    | `handled`         | 1       | mtvec is an address                                       |
    | `vectored`        | 1       | mtvec has mode 1                                          |
    | `entering`        | 1       | the way to the handler takes the place of the next instruction |
    | `interrupt`       | 1       | for an interrupt                                          |
    | `reserved`        | 1       | SC.W may succeed                                          |
    """

    time: Word
    timeh: Word
    retired: Word
    retiredh: Word
    compare: Word
    compareh: Word
    interrupts: Word
    earlier: Word
    timer: Word
    pending: Word
    handled: Word
    vectored: Word
    entering: Word
    interrupt: Word
    reserved: Word
    working: Working


def registers(m: Circuit, trapped: Word, multiplying: Word) -> State:
    """Make the registers, and say what holds between two loops.

    The registers of RV32IM are made before; its flag `multiplying` says that it takes another loop.
    """
    working = Working(
        **{each.name: m.register(each.name, _width(each.name)) for each in fields(Working)}
    )
    lasting = [each.name for each in fields(State) if each.name != "working"]
    state = State(**{name: m.register(name, _width(name)) for name in lasting}, working=working)
    own = [getattr(working, each.name) for each in fields(Working)]
    m.multi_loop(working.continuing, *m.scratch, *own[1:])
    _invariants(m, trapped, multiplying, state)
    return state


def _width(name: str) -> int:
    wide = ("time", "timeh", "retired", "retiredh", "compare", "compareh", "old", "new")
    return 32 if name in wide else 5 if name == "receiver" else 1


def _invariants(m: Circuit, trapped: Word, multiplying: Word, state: State) -> None:
    w = state.working
    loops = {"second": w.compute, "third": w.change, "last": w.deliver}
    for name, word in loops.items():
        m.invariant(
            f"the {name} loop continues an instruction", ~literal(word) | literal(w.continuing)
        )
    pairs = (
        ("second and third", w.compute, w.change),
        ("second and last", w.compute, w.deliver),
        ("third and last", w.change, w.deliver),
    )
    for name, one, other in pairs:
        m.invariant(f"a loop is not the {name} of an instruction", ~literal(one) | ~literal(other))
    for name, word in loops.items():
        m.invariant(f"no {name} loop is a multiplication's", ~literal(word) | ~literal(multiplying))
    m.invariant("a multiplication continues", ~literal(multiplying) | literal(w.continuing))
    own = (w.compute, w.change, w.deliver, multiplying)
    loop = Condition(sum((bit(word[0]) for word in own), constant(0)), 1)
    m.invariant("a loop that continues has its place", ~literal(w.continuing) | loop)
    m.invariant(
        "a word of the timer is no multiplication", ~literal(w.timed) | ~literal(multiplying)
    )
    m.invariant("a handler is no multiplication", ~literal(multiplying) | ~literal(state.entering))
    m.invariant("a word of the timer continues", ~literal(w.timed) | literal(w.continuing))
    m.invariant("a word of the timer is no handler", ~literal(w.timed) | ~literal(state.entering))
    m.invariant("nothing continues in a trap", ~literal(trapped) | ~literal(w.continuing))
    m.invariant("no handler begins in a trap", ~literal(trapped) | ~literal(state.entering))
    m.invariant("an interrupt has a handler", ~literal(state.interrupt) | literal(state.entering))
