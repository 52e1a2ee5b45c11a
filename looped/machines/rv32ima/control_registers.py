"""Control registers: which one an instruction reads and sets, and what it reads.

mscratch, mepc, mcause, mtval and mtvec are words of the register file. Counters, the timer and the
bits of mstatus, mie and mip are words of the CPU. All others read as constants.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from looped.circuit.arithmetic import equal, matches
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
from looped.circuit.words import Form, Word, bit, constant, total
from looped.isa.rv32ima import FILED
from looped.machines.rv32ima.sequence import changes, in_third, numbered
from looped.machines.rv32ima.state import State
from looped.machines.rv32ima.timer import timer_words

__all__ = [
    "MIE",
    "MSTATUS",
    "MTVEC",
    "Changes",
    "changed",
    "has_handler",
    "put",
    "read",
    "shown",
]

MSTATUS, MISA, MIE, MIP, MEPC, MTVEC = 0x300, 0x301, 0x304, 0x344, 0x341, 0x305
_RV32IMA = 1 << 30 | 1 << 12 | 1 << 8 | 1
_COUNTS = {"retired": (0xB00, 0xB02), "retiredh": (0xB80, 0xB82)}
_READ = (
    *((), FILED, (0xB00, 0xB02, 0xC00, 0xC02), (0xB80, 0xB82, 0xC80, 0xC82), (0xC01,), (0xC81,)),
    *((MSTATUS,), (MISA,), (MIE,), (MIP,)),
)
"""The control registers that read as the same word."""

_MACHINE_MODE = 3 << 11


@dataclass(frozen=True, slots=True)
class Changes:
    """Flags of loops that put `new` into a word of the CPU, by its name, or into a register of a
    number."""

    words: Mapping[str, Word]
    numbers: Mapping[int, Word]


def read(m: Circuit, instruction: Word, asks: Word) -> Word:
    """What the instruction reads, as a number: a place in `_READ`, 0 for nothing.

    `asks` says that it reads a register that exists.
    """
    bits: list[Signal] = []
    for place in range(len(_READ).bit_length()):
        numbers = [n for at, own in enumerate(_READ) for n in own if at >> place & 1]
        own = (literal(asks) & each for each in numbered(instruction, *numbers))
        bits += any_of_disjoint(own).signals
    return m.let("reads", Value((*bits,)))


def changed(m: Circuit, instruction: Word, state: State) -> Changes:
    """What the third loop of an instruction changes. Bit 5 of the opcode tells stores from
    loads."""
    w = state.working
    system = matches(instruction, 0x7F, 0x73) & in_third(state)
    timed = literal(w.change) & ~literal(state.entering) & literal(instruction[5:6])
    stored = timer_words(state, timed)

    def some(name: str, numbers: tuple[int, ...], *others: Condition) -> Word:
        own = [
            system & number & change
            for number in numbered(instruction, *numbers)
            for change in changes(instruction)
        ]
        return m.let(f"sets {name}", any_of_disjoint([*own, *others]))

    numbers = {MSTATUS: "mstatus", MIE: "mie", MEPC: "mepc", MTVEC: "mtvec"}
    words = {name: some(name, numbers) for name, numbers in _COUNTS.items()}
    words |= {name: some(name, (), condition) for name, condition in stored.items()}
    return Changes(words, {number: some(name, (number,)) for number, name in numbers.items()})


def shown(reads: Word, state: State, asks: Condition, filed: Word, has_come: Word) -> Value:
    """What a first loop reads where `asks` holds, else zero: `filed` is the word of the register
    file that has been read, `has_come` says that the time is at least mtimecmp."""
    status = [_constant_bit(_MACHINE_MODE, place) for place in range(32)]
    status[3], status[7] = bit(state.interrupts[0]), bit(state.earlier[0])
    words = state.retired, state.retiredh, state.time, state.timeh
    contents = [
        [*map(bit, filed)],
        *([*map(bit, word)] for word in words),
        status,
        [_constant_bit(_RV32IMA, place) for place in range(32)],
        _at_timer(bit(state.timer[0])),
        _at_timer(bit(has_come[0])),
    ]
    cases = enumerate(contents, 1)
    return disjoint_or(*(gated(asks & equal(reads, at), *forms) for at, forms in cases))


def put(changes: Changes, state: State, third: Condition) -> Value:
    """The word that goes to the register file or to memory in a third loop, else zero.

    mepc is a multiple of 4. mtvec is one too, of 128 if bit 0 is set.
    """
    mepc, mtvec = (literal(changes.numbers[number]) for number in (MEPC, MTVEC))
    vectored = third & mtvec & literal(state.working.new[:1])
    signals = []
    for place, lane in enumerate(state.working.new):
        keeps = third & ~mepc if place < 2 else third
        keeps = keeps & ~mtvec if place == 1 else keeps
        terms = [Gated(keeps, bit(lane))]
        if 2 <= place < 7:
            terms.append(Gated(vectored, -bit(lane)))
        signals.append(Signal(constant(0), tuple(terms)))
    return Value(tuple(signals))


def has_handler(changes: Changes, state: State) -> Value:
    """Whether mtvec is an address: it keeps that, or gets it in this loop."""
    sets, new = literal(changes.numbers[MTVEC]), state.working.new
    mode = literal(new[:1])
    return disjoint_or(
        gated(~sets, bit(state.handled[0])),
        any_of_disjoint(
            [
                sets & ~mode & Condition(total(new[2:]), 1),
                sets & mode & Condition(total(new[7:]), 1),
            ]
        ),
    )


def _at_timer(form: Form) -> list[Form]:
    """Bit 7, of mie and of mip."""
    return [form if place == 7 else constant(0) for place in range(32)]


def _constant_bit(number: int, place: int) -> Form:
    return constant(number >> place & 1)
