"""Control: what the next loop does, the program counter, traps.

| loop    | if                        | the next loop                                |
|---------|---------------------------|----------------------------------------------|
| fetch   | the function is unknown   | none: a trap                                 |
| fetch   | else                      | computes                                     |
| compute | it was the last step      | writes; else computes                        |
| write   | more elements are left    | fetches for the next one                     |
| write   | the branch is judged      | judges; else fetches the next instruction    |
| judge   |                           | fetches there                                |
"""

from __future__ import annotations

from looped.circuit.arithmetic import all_ones, equal, nonpositive
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
    value,
)
from looped.circuit.words import Form, Word, bit, constant
from looped.isa.fleq import FUNCTIONS, WORDS
from looped.machines.fleq import modes
from looped.machines.fleq.decode import Instruction
from looped.machines.fleq.index import IndexOutputs
from looped.machines.fleq.modes import Lengths
from looped.machines.fleq.state import State

__all__ = ["advance", "trapping"]


def trapping(m: Circuit, i: Instruction, s: State) -> Word:
    """Whether an instruction calls no function."""
    known = (gated(s.fetches & i.calls(f), constant(-1)) for f in FUNCTIONS)
    return m.let("trapping", disjoint_or(gated(s.fetches, constant(1)), *known))


def advance(
    m: Circuit,
    i: Instruction,
    s: State,
    element: IndexOutputs,
    trap: Word,
    length: Lengths,
) -> None:
    """Give the registers of control their next values; `trap` is whether the instruction traps."""
    begins = {f: s.fetches & i.calls(f) for f in FUNCTIONS}
    product = s.modes["product"] & equal(s.k, 0)
    product_ends = product & equal(s.step, length.digits - 1)
    done = modes.advance(m, s.modes, s.step, begins, i.calls("rem"), product_ends, length)
    started, ended = any_of_disjoint(begins.values()), any_of_disjoint(done)
    computing = value(s.computing, 1)
    leaves = s.writes & element.last & ~i.judges
    m.next(
        s.computing,
        disjoint_or(started, computing, *(gated(c, constant(-1)) for c in done)),
    )
    m.next(s.writing, ended)
    m.next(s.judging, value(s.writes & element.last & i.judges, 1))
    writing = disjoint_or(value(s.writing, 1), gated(leaves, constant(-1)))
    m.next(s.busy, disjoint_or(started, computing, writing))
    m.next(s.shift, disjoint_or(value(product, 1), gated(product_ends, constant(-1))))
    m.next(s.step, _steps(s, product))
    m.next(s.trap, disjoint_or(value(s.trap, 1), gated(literal(trap) & ~literal(s.trap), _ONE)))
    m.next(s.cause, value(_cause(s, trap), 2))
    _leave(m, i, s, leaves, trap)


_ONE = constant(1)


def _cause(s: State, trap: Word) -> Value:
    """Two, an illegal instruction, once an instruction has trapped."""
    here = gated(literal(trap) & ~literal(s.cause[1:]), _ONE)
    return Value((Signal(constant(0)), *disjoint_or(value(s.cause[1:], 1), here).signals))


def _steps(s: State, product: Condition) -> Value:
    """One more in every loop, but in a product only after the last k; zero outside of both."""
    ticks = product, s.computes & ~s.modes["product"]
    signals = []
    for n, lane in enumerate(s.step):
        flip = constant(1) - bit(lane) * 2
        carry = all_ones(s.step[:n]) if n else None
        flips = (tick if carry is None else tick & carry for tick in ticks)
        terms = (Gated(s.computes, bit(lane)), *(Gated(flip_if, flip) for flip_if in flips))
        signals.append(Signal(constant(0), terms))
    return Value(tuple(signals))


def _leave(m: Circuit, i: Instruction, s: State, leaves: Condition, trap: Word) -> None:
    """The next instruction: the following one, or where a branch leads that is taken."""
    following = m.let("following", m.add(s.pc, len(WORDS)))
    judged = m.read("judged", i.flag, when=s.judging)
    taken = s.judges & nonpositive(judged)

    def led(start: Form, old: Form, n: int) -> tuple[Form, tuple[Gated, ...]]:
        after, target = bit(following[n]), bit(i.p[n])
        steps = (Gated(leaves, after - old), Gated(s.judges, after - old))
        return start, (*steps, Gated(taken, target - after))

    signals = [Signal(*led(bit(lane), bit(lane), n)) for n, lane in enumerate(s.pc)]
    m.next(s.pc, Value(tuple(signals)))
    halted = bit(s.halted[0])
    linear, terms = led(halted, halted, len(s.pc) - 1)
    stops = Gated(literal(trap) & s.fetches, _ONE)
    m.next(s.halted, Value((Signal(linear, (*terms, stops)),)))
