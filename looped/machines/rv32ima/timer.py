"""The timer and the counters: two numbers of 64 bits that count instructions, and a comparison.

The words of the timer are at the addresses of SiFive's core-local interruptor (CLINT): mtimecmp at
0x02004000, mtime at 0x0200bff8, each in two halves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from looped.circuit.arithmetic import all_ones
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
from looped.circuit.words import Form, Lane, Word, bit, constant, unsigned
from looped.machines.rv32i.adder import Adder
from looped.machines.rv32i.decode import any_set
from looped.machines.rv32i.places import Places
from looped.machines.rv32ima.sequence import begins
from looped.machines.rv32ima.state import State

__all__ = ["Timer", "count", "found", "has_timer", "reached", "ticks", "timer_words"]

MTIMECMP, MTIME = 0x0200_4000, 0x0200_BFF8
_CLINT = range(0x0200_0000, 0x0201_0000)

_SLICE = 16
"""Bits that are compared in one sum, which float32 holds. With 4 of them a pass of lifted code has
260 more instructions."""


@dataclass(frozen=True, slots=True)
class Timer:
    """Whether an address is a word of the timer: of either register, and of mtime."""

    found: Word
    clock: Word


def has_timer(places: Places) -> bool:
    """Whether no memory is where the timer is."""
    size = 4 << places.top - 2
    bases = places.regions.bases
    return all(base + size <= _CLINT.start or base >= _CLINT.stop for base in bases)


def reached(m: Circuit, state: State) -> Word:
    """Whether the time is at least mtimecmp.

    Each slice adds 2^i to a sum if it is greater than or equal, once more if it is greater. The
    first slice that differs decides whether the sum reaches that of equal numbers.
    """
    times, limits = (*state.time, *state.timeh), (*state.compare, *state.compareh)
    total, least = constant(0), 0
    for number, at in enumerate(range(0, 64, _SLICE)):
        name = f"slice {number}"
        time, limit = (Word(name, lanes[at : at + _SLICE]) for lanes in (times, limits))
        difference = unsigned(time) - unsigned(limit)
        equal_or_more = m.let(f"time reaches {name}", Condition(difference, 0))
        more = m.let(f"time passes {name}", Condition(difference, 1))
        total = total + (bit(equal_or_more[0]) + bit(more[0])) * (1 << number)
        least += 1 << number
    return m.let("reached", Condition(total, least))


def found(m: Circuit, places: Places, address: Adder, words: Form) -> Timer:
    """Whether an access of a word is to the timer, where the bit `words` is one.

    One sum decides for each register: the high part of the address weighs more than all the low
    bits that could be wrong. It carries out of the whole address, or not.
    """
    hits = {name: list[Value]() for name in ("clock", "compare")}
    for name, wanted in (("clock", MTIME), ("compare", MTIMECMP)) if has_timer(places) else ():
        low = [
            constant(1) - bit(lane) if wanted >> place & 1 else bit(lane)
            for place, lane in enumerate(address.low)
            if place != 2
        ]
        weight = len(low) + 1
        whole = sum(low, address.high_total * weight)
        high = wanted >> len(address.low)
        for least in (high * weight, (high + address.high_limit) * weight):
            hits[name] += [
                gated(Condition(whole, least), words),
                gated(Condition(whole, least + 1), -words),
            ]
    zero = Value((Signal(constant(0)),))
    return Timer(
        found=m.let("timer word", disjoint_or(zero, *hits["clock"], *hits["compare"])),
        clock=m.let("clock word", disjoint_or(zero, *hits["clock"])),
    )


def timer_words(state: State, step: Condition) -> Mapping[str, Condition]:
    """Which word of the timer an instruction is about, in a loop in which `step` holds."""
    w = state.working
    own = step & literal(w.timed)
    clock, upper = literal(w.clock), literal(w.upper)
    return {
        "time": own & clock & ~upper,
        "timeh": own & clock & upper,
        "compare": own & ~clock & ~upper,
        "compareh": own & ~clock & upper,
    }


def ticks(m: Circuit, instruction: Word, trapped: Word, asks: Word, state: State) -> Word:
    """Whether this loop counts the instruction, unless it is about the timer: the first one.

    An instruction that may set a counter is counted in the loop that would do so. Bit 2 of its
    opcode tells a control register, a load and a store from an atomic instruction.
    """
    w = state.working
    first = begins(trapped, state) & ~literal(asks)
    third = literal(w.change) & ~any_set(state.entering, w.compute) & ~literal(instruction[2:3])
    return m.let("ticks", any_of_disjoint([first, third & literal(w.continuing)]))


def count(m: Circuit, state: State, counts: Word, found: Word, sets: Mapping[str, Word]) -> None:
    """Count an instruction where the flag `counts` is set and `found` is not.

    A flag of `sets` says that a word becomes `new`; its counter then does not count.
    """
    for low, high in (("time", "timeh"), ("retired", "retiredh")):
        lower, upper = getattr(state, low), getattr(state, high)
        runs = literal(counts) & ~literal(found) & ~literal(sets[low]) & ~literal(sets[high])
        for name, word, below in ((low, lower, ()), (high, upper, lower.lanes)):
            signals = []
            for place, lane in enumerate(word):
                lanes = (*below, *word.lanes[:place])
                flips = runs & all_ones(Word(name, lanes)) if lanes else runs
                step = Gated(flips, constant(1) - bit(lane) * 2)
                signals.append(Signal(bit(lane), (step, _put(state, sets[name], place, lane))))
            m.next(word, Value(tuple(signals)))
    for name in ("compare", "compareh"):
        word = getattr(state, name)
        kept = (Signal(bit(n), (_put(state, sets[name], i, n),)) for i, n in enumerate(word))
        m.next(word, Value(tuple(kept)))


def _put(state: State, sets: Word, place: int, lane: Lane) -> Gated:
    """A lane of a word becomes that of `new` where a flag is set."""
    return Gated(literal(sets), bit(state.working.new[place]) - bit(lane))
