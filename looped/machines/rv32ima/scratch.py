"""The words that a sequence hands from loop to loop: `old`, `new`, `receiver`, `puts`."""

from __future__ import annotations

from dataclasses import dataclass

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
from looped.circuit.words import Word, bit, constant, total
from looped.machines.rv32i.core import Datapath
from looped.machines.rv32i.decode import any_set
from looped.machines.rv32i.patterns import any_match, exactly, match
from looped.machines.rv32ima.sequence import COMPARING, MODIFYING, Sequence, in_second
from looped.machines.rv32ima.state import State
from looped.machines.rv32ima.timer import timer_words

__all__ = ["Handed", "hand", "hand_on"]


@dataclass(frozen=True, slots=True)
class Handed:
    """Flags of what the words become in a second loop.

    | word       | content                                                                |
    |------------|------------------------------------------------------------------------|
    | `takes`    | `new` becomes x[rs2], for a comparison of the old word with it         |
    | `leaves`   | `new` becomes the old word                                             |
    | `modifies` | `new` goes to memory                                                   |
    """

    takes: Word
    leaves: Word
    modifies: Word


def hand(m: Circuit, instruction: Word, state: State, path: Datapath) -> Handed:
    """Decide what the words become.

    For a comparison the sum is the old word minus x[rs2]; both are taken where they are equal.
    """
    second, signed, unsigned = in_second(state), path.sum.signed, path.sum.unsigned
    flags = [
        literal(m.let(name.removesuffix(".w"), match(instruction, exactly(name)[0]) & second))
        for name in COMPARING
    ]
    pairs = [*zip(flags, (signed, ~signed, unsigned, ~unsigned), strict=True)]
    return Handed(
        takes=m.let("takes rs2", any_of_disjoint(flag & least for flag, least in pairs)),
        leaves=m.let("leaves old", any_of_disjoint(flag & ~least for flag, least in pairs)),
        modifies=m.let("modifies", any_match(instruction, exactly(*MODIFYING), second)),
    )


def hand_on(
    m: Circuit, instruction: Word, state: State, s: Sequence, path: Datapath, read: Value
) -> None:
    """Give the words their next values; `read` is what the first loop reads."""
    w, h = state.working, hand(m, instruction, state, path)
    second = literal(w.compute) & ~literal(state.entering)
    third = literal(w.change) & ~any_set(w.compute, state.entering)
    own = second & ~literal(w.timed)
    old, rs2, new = ([*map(bit, word)] for word in (w.old, path.rs2, w.new))
    loaded = (
        gated(condition, *map(bit, getattr(state, name)))
        for name, condition in timer_words(state, second).items()
    )
    failed = _failed(own & literal(s.compares), state, path)
    m.next(
        w.old,
        disjoint_or(
            read,
            failed,
            gated(own & ~literal(s.compares), *old),
            gated(third, *old),
            *loaded,
        ),
    )
    m.next(
        w.new,
        disjoint_or(
            gated(own & literal(s.computes), *map(bit, path.result)),
            gated(own & literal(h.takes), *rs2),
            gated(own & literal(h.leaves), *old),
            gated(own & literal(s.compares), *rs2),
            gated(second & literal(w.timed), *rs2),
            gated(third, *new),
        ),
    )
    rd = [*map(bit, instruction[7:12])]
    loads = third & literal(w.timed) & ~literal(instruction[5:6])
    m.next(w.receiver, disjoint_or(gated(third & ~literal(w.timed), *rd), gated(loads, *rd)))
    compares = literal(s.compares) & literal(state.reserved)
    same = ~Condition(total(path.result), 1)
    m.next(w.puts, any_of_disjoint([own & literal(h.modifies), own & compares & same]))
    m.next(
        state.reserved,
        disjoint_or(
            gated(~literal(s.compares) & ~literal(s.reserves), bit(state.reserved[0])),
            any_of_disjoint([literal(s.reserves)]),
        ),
    )


def _failed(compares: Condition, state: State, path: Datapath) -> Value:
    """What SC.W gives: 1 unless there is a reservation, and the difference of both addresses is
    zero."""
    reserved, other = literal(state.reserved), Condition(total(path.result), 1)
    failed = any_of_disjoint([compares & ~reserved, compares & reserved & other])
    return Value((*failed.signals, *[Signal(constant(0))] * 31))
