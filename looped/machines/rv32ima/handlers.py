"""Control with machine mode: where a loop leads, and what a trap and an interrupt do.

A trap goes to the handler if there is one: in place of the next instruction the hart sets out for
it, and `cause` keeps the cause. Without a handler the hart waits for its host. The host comes
first for an EBREAK, which may be semihosting, and in a memory of two regions for an access outside
memory; so it does if the handler is outside memory.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from looped.circuit.arithmetic import all_ones, equal
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
from looped.circuit.words import Word, bit, constant
from looped.machines.rv32i.core import Fetched
from looped.machines.rv32i.decode import any_set
from looped.machines.rv32i.kinds import flag
from looped.machines.rv32i.places import Places
from looped.machines.rv32ima.sequence import Sequence
from looped.machines.rv32ima.state import State
from looped.machines.rv32ima.timer import Timer

__all__ = ["HandlerInputs", "handlers"]

_ONE = constant(1)


@dataclass(frozen=True, slots=True)
class HandlerInputs:
    """Ports into control.

    | port         | bits   | content                                                        |
    |--------------|--------|----------------------------------------------------------------|
    | `fetched`    |        | the registers of the hart: Fetched                             |
    | `places`     |        | which addresses are in memory: Places                          |
    | `sequence`   |        | what the loop does: Sequence                                   |
    | `legal`      | 1      | whether the word is an instruction that does not always trap   |
    | `taken`      | 1      | whether a jump or branch is taken                              |
    | `target`     | 32     | its target                                                     |
    | `mem_fault`  | 1      | whether an access is misaligned or outside memory              |
    | `misaligned` | 2      | the bits of its address that are one but must be zero          |
    | `is_ecall`   | 1      | ECALL                                                          |
    | `is_ebreak`  | 1      | EBREAK                                                         |
    | `stores`     | 1 each | flags of the stores                                            |
    | `vector`     | 32     | mepc or mtvec, where the loop goes there                       |
    | `unfinished` | 1      | a multiplication or a division takes another loop              |
    | `may_enter`  | 1      | a trap in this loop leads to the handler                       |
    | `interrupts` | 1      | an interrupt comes if this loop ends an instruction            |
    | `timer`      |        | whether an access is to the timer: Timer                       |
    | `upper`      | 1      | whether it is to an upper half                                 |
    | `compute`    | 1      | the second loop of a sequence                                  |
    | `change`     | 1      | the third                                                      |
    """

    fetched: Fetched
    places: Places
    sequence: Sequence
    legal: Word
    taken: Word
    target: Word
    mem_fault: Word
    misaligned: Word
    is_ecall: Word
    is_ebreak: Word
    stores: tuple[Word, ...]
    vector: Word
    unfinished: Word
    may_enter: Word
    interrupts: Word
    timer: Timer
    upper: Word
    compute: Word
    change: Word

    @property
    def carries_over(self) -> Condition:
        """Whether a multiplication or a division takes another loop."""
        return literal(self.unfinished) & self._neither()

    @property
    def sets_out(self) -> Condition:
        """Whether the loop is the first of the way to a handler."""
        return literal(self.sequence.sets_out) & self._neither(self.unfinished)

    @property
    def asked(self) -> Condition:
        """Whether the loop reads a control register."""
        return literal(self.sequence.asks) & self._neither(self.unfinished, self.sequence.sets_out)

    def probes(self, fault: bool) -> Condition:
        """Whether an atomic instruction finds its address wrong, or right."""
        s = self.sequence
        own = literal(s.probe) & self._neither(self.unfinished, s.sets_out, s.asks)
        return own & (literal(self.mem_fault) if fault else ~literal(self.mem_fault))

    @property
    def probed(self) -> Condition:
        """Whether an atomic instruction finds its address right."""
        return self.probes(fault=False)

    @property
    def single(self) -> Condition:
        """Whether the loop is none of these, nor one in the middle of a sequence."""
        s = self.sequence
        return self._neither(self.unfinished, s.sets_out, s.asks, s.probe, self.timer.found)

    @property
    def arrives(self) -> Condition:
        """Whether the loop goes to mepc or mtvec."""
        return self.single & literal(self.sequence.vectors)

    @property
    def jumps(self) -> Condition:
        """Whether the next instruction is at the target; a misaligned target traps."""
        return self._plain & literal(self.taken) & ~literal(self.target[1:2])

    @property
    def falls(self) -> Condition:
        """Whether the next instruction is the one after it."""
        return self._straight & ~literal(self.mem_fault) & literal(self.legal)

    @property
    def unknown(self) -> Condition:
        """Whether the word encodes nothing, or an instruction that always traps."""
        return self._straight & ~literal(self.mem_fault) & ~literal(self.legal)

    @property
    def faults(self) -> Condition:
        """Whether an access is wrong."""
        return self._straight & literal(self.mem_fault)

    @property
    def on_timer(self) -> Condition:
        """Whether an access is to the timer, which no memory holds."""
        s = self.sequence
        return literal(self.timer.found) & self._neither(
            self.unfinished, s.sets_out, s.asks, s.probe
        )

    @property
    def _plain(self) -> Condition:
        return self.single & ~literal(self.sequence.vectors)

    @property
    def _straight(self) -> Condition:
        return self._plain & ~literal(self.taken)

    def _neither(self, *flags: Word) -> Condition:
        return ~any_set(self.fetched.trapped, self.compute, self.change, *flags)


def handlers(m: Circuit, i: HandlerInputs, state: State) -> None:
    """Give the registers of the hart, and those of the sequence, their next values."""
    f, w, traps = i.fetched, state.working, _trap(i)
    middle = literal(w.compute), literal(w.change) & ~literal(w.compute)
    on_way = (*middle, i.sets_out)

    def kept(word: Word, *conditions: Condition) -> Value:
        return disjoint_or(*(gated(condition, *map(bit, word)) for condition in conditions))

    cause = [*map(bit, f.cause)]
    interrupts = _interrupt(i)
    m.next(f.pc, _next_pc(i, state))
    m.next(f.trapped, disjoint_or(f.trapped, _waiting(i, traps)))
    m.next(
        f.cause,
        disjoint_or(_joined(_causes(i)), gated(literal(f.trapped), *cause), kept(f.cause, *on_way)),
    )
    m.next(
        state.entering, disjoint_or(_entered(i, traps), interrupts, kept(state.entering, *on_way))
    )
    m.next(state.interrupt, disjoint_or(interrupts, kept(state.interrupt, *on_way)))
    begun = [i.sets_out, i.asked, i.probed, i.on_timer]
    m.next(w.compute, any_of_disjoint(begun))
    m.next(w.change, w.compute)
    m.next(w.deliver, w.change)
    m.next(w.continuing, any_of_disjoint([*middle, i.carries_over, *begun]))
    m.next(w.timed, disjoint_or(kept(w.timed, *middle), any_of_disjoint([i.on_timer])))
    for word, now in ((w.clock, i.timer.clock), (w.upper, i.upper)):
        m.next(word, disjoint_or(kept(word, *middle), gated(i.on_timer, bit(now[0]))))


def _trap(i: HandlerInputs) -> Value:
    """Whether the loop traps."""
    return disjoint_or(
        any_of_disjoint([i.single, i.probes(fault=True)]),
        gated(i.falls, -_ONE),
        gated(i.falls & _at_end(i), _ONE),
        *(gated(i.jumps & region, -_ONE) for region in i.places.inside(i.target)),
        *(gated(i.arrives & region, -_ONE) for region in i.places.inside(i.vector)),
    )


def _causes(i: HandlerInputs) -> list[Value]:
    """The number of the trap, bit by bit: an access, an unknown word, or a fetch outside memory."""
    probe, outside, aligned = i.probes(fault=True), _outside(i), equal(i.misaligned, 0)
    return [
        disjoint_or(
            gated(i.unknown, flag(i.is_ecall, i.is_ebreak)),
            *(gated(condition & aligned, _ONE) for condition in (i.faults, probe)),
            *outside,
        ),
        disjoint_or(
            any_of_disjoint([i.unknown]),
            gated(i.faults, flag(*i.stores)),
            gated(probe, bit(i.sequence.stores[0])),
        ),
        any_of_disjoint([i.faults, probe]),
        gated(i.unknown, bit(i.is_ecall[0])),
    ]


def _outside(i: HandlerInputs) -> list[Value]:
    """Whether the next instruction is outside memory."""
    return [
        any_of_disjoint([i.falls & _at_end(i), i.jumps, i.arrives]),
        *(gated(i.jumps & region, -_ONE) for region in i.places.inside(i.target)),
        *(gated(i.arrives & region, -_ONE) for region in i.places.inside(i.vector)),
    ]


def _at_end(i: HandlerInputs) -> Condition:
    return all_ones(i.fetched.pc[2 : i.places.top])


def _entered(i: HandlerInputs, content: Value) -> Value:
    """A bit where a trap goes to the handler, else zero."""
    enters = literal(i.may_enter)
    if len(i.places.regions.bases) == 1:
        return _under(enters, content)
    fault = literal(i.mem_fault)
    odd = Condition(bit(i.misaligned[0]) + bit(i.misaligned[1]), 1)
    return disjoint_or(_under(enters & ~fault, content), _under(enters & fault & odd, content))


def _waiting(i: HandlerInputs, content: Value) -> Value:
    """A bit where a trap does not go to the handler, else zero."""
    enters = literal(i.may_enter)
    if len(i.places.regions.bases) == 1:
        return _under(~enters, content)
    asked = enters & literal(i.mem_fault) & equal(i.misaligned, 0)
    return disjoint_or(_under(~enters, content), _under(asked, content))


def _under(condition: Condition, content: Value) -> Value:
    """A word of gated terms where a condition holds, else zero."""
    return Value(tuple(Signal(constant(0), each.when(condition)) for each in content.signals))


def _joined(words: Iterable[Value]) -> Value:
    return Value(tuple(signal for word in words for signal in word.signals))


def _next_pc(i: HandlerInputs, state: State) -> Value:
    """The next word (a bit flips where all below are ones), the target, mepc or mtvec, or no
    change. The cause of the timer's interrupt is 7."""
    pc = i.fetched.pc
    seventh = i.arrives & literal(state.interrupt) & literal(state.vectored)
    signals = [Signal(bit(lane)) for lane in pc[:2]]
    for place, lane in [*enumerate(pc)][2:]:
        flips = i.falls if place == 2 else i.falls & all_ones(pc[2:place])
        vector = bit(i.vector[place])
        terms = [
            Gated(flips, _ONE - bit(lane) * 2),
            Gated(i.jumps, bit(i.target[place]) - bit(lane)),
            Gated(i.arrives, vector - bit(lane)),
        ]
        if place in _SEVENTH:
            terms.append(Gated(seventh, _ONE - vector))
        signals.append(Signal(bit(lane), tuple(terms)))
    return Value(tuple(signals))


_SEVENTH = range(2, 5)
"""The bits of 28, the distance of the seventh word of a table of vectors."""


def _interrupt(i: HandlerInputs) -> Value:
    """Whether an instruction ends in memory while an interrupt is interrupts."""
    interrupts = literal(i.interrupts)
    return disjoint_or(
        any_of_disjoint([i.falls & interrupts]),
        gated(i.falls & interrupts & _at_end(i), -_ONE),
        *(gated(i.jumps & interrupts & region, _ONE) for region in i.places.inside(i.target)),
        *(gated(i.arrives & interrupts & region, _ONE) for region in i.places.inside(i.vector)),
    )
