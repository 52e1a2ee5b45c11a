"""Whether signals are bits: `disjoint_or`, `any_of_disjoint`, `gated` and gated sums need it.

A signal must be 0 or 1 in every reachable state. `check_bits` tries all signs of the lanes that a
signal depends on, if these are few and can take all combinations of signs: lanes of pins, which the
host sets, and of words fetched from different columns. It traces other lanes back to these. For
signals of more lanes, or of registers (whose values the machine decides), the certificate proves
for all states that they are bits, or fails.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from looped.circuit.graph import Graph
from looped.circuit.signals import Condition, Signal
from looped.circuit.statements import Read
from looped.circuit.words import Form, Lane
from looped.errors import CompileError

__all__ = ["MOST_LANES", "check_bits"]

MOST_LANES = 8
"""The most lanes whose signs are all tried: 256 states, cheap even for a thousand signals."""

_Values = npt.NDArray[np.float64]


def check_bits(m: Graph) -> None:
    """Raise CompileError for a signal that is not a bit in some tried state."""
    made = {
        lane: signal
        for define in m.defines
        for lane, signal in zip(define.target, define.value.signals, strict=True)
    }
    states = _States(made, _independent(m))
    for define in m.defines:
        for lane, signal in zip(define.target, define.value.signals, strict=True):
            found = None if _plainly(signal) else states.fault(signal)
            if found is not None:
                raise CompileError(
                    f"lane `{lane}` at {define.where} is not a bit: "
                    f"it is {found[0]} where {found[1]}",
                    hint="at most one of the terms of a sum may be 1 in any state",
                )


def _plainly(signal: Signal) -> bool:
    """Whether a signal is a lane's bit, its complement, a constant or one condition."""
    linear = signal.linear
    if signal.gated:
        alone = len(signal.gated) == 1 and not linear
        return alone and not signal.gated[0].form.terms and signal.gated[0].form.constant == 1
    return len(linear.terms) <= 1 and linear.minimum in (0, 1) and linear.maximum in (0, 1)


def _independent(m: Graph) -> dict[Lane, object]:
    """The lanes that may have any sign, each with its group; lanes of one group are independent.

    Pins are independent of everything, unless an invariant has their lanes. Words that are fetched
    are independent of each other if one address and several offsets name them; a word of the
    register file forms a group by itself.
    """
    spoken = {lane for invariant in m.invariants for lane in invariant.condition.form.terms}
    pins = (register.word for register in m.registers if register.following is None)
    free: dict[Lane, object] = {lane: None for word in pins for lane in word if lane not in spoken}
    offsets: set[tuple[object, int]] = set()
    for read in m.reads:
        group = _group(m, read)
        if group is not None and (group, read.offset) not in offsets:
            offsets.add((group, read.offset))
            free.update(dict.fromkeys(read.result, group))
    return free


def _group(m: Graph, read: Read) -> object:
    bare = read.port is None and read.when is None and read.onto is None
    if not bare or (read.in_registers and m.zero_register):
        return None
    return ("register", read.name) if read.in_registers else tuple(read.address)


class _States:
    """All signs of a few lanes at once, and the values of signals in them."""

    def __init__(self, made: Mapping[Lane, Signal], free: Mapping[Lane, object]) -> None:
        self.made = made
        self.free = free
        self.sources: dict[Lane, frozenset[Lane] | None] = {}

    def fault(self, signal: Signal) -> tuple[str, str] | None:
        """A value of a signal that is not a bit, and its state; None if there is none in the tried
        states."""
        sources = self._sources_of(signal.lanes())
        if sources is None or len({self.free[lane] for lane in sources} - {None}) > 1:
            return None
        lanes = sorted(sources, key=str)
        cases = itertools.product((-1.0, 1.0), repeat=len(lanes))
        signs = np.array([*cases]).reshape(1 << len(lanes), len(lanes))
        known = {lane: signs[:, i] for i, lane in enumerate(lanes)}
        total = _signal(signal, known, self.made, len(signs))
        wrong = np.flatnonzero((total != 0) & (total != 1))
        if len(wrong) == 0 or not self._earlier_are_bits(signal, known, int(wrong[0])):
            return None
        state = zip(lanes, signs[wrong[0]], strict=True)
        words = ", ".join(f"{lane} is {int(sign > 0)}" for lane, sign in state)
        return str(Fraction(float(total[wrong[0]]))), words or "always"

    def _earlier_are_bits(self, signal: Signal, known: dict[Lane, _Values], row: int) -> bool:
        """Whether all lanes that a signal depends on are ±1 in a state."""
        return all(abs(known[lane][row]) == 1 for lane in signal.lanes())

    def _sources_of(self, lanes: Iterable[Lane]) -> frozenset[Lane] | None:
        """The free lanes that decide `lanes`; None if they are too many, or some are not free."""
        found: frozenset[Lane] = frozenset()
        for lane in lanes:
            own = self._sources(lane)
            if own is None:
                return None
            found |= own
            if len(found) > MOST_LANES:
                return None
        return found

    def _sources(self, lane: Lane) -> frozenset[Lane] | None:
        if lane in self.free:
            return frozenset([lane])
        if lane not in self.sources:
            self.sources[lane] = None  # a lane that depends on itself stays undecided
            if lane in self.made:
                self.sources[lane] = self._sources_of(self.made[lane].lanes())
        return self.sources[lane]


def _signal(
    signal: Signal, known: dict[Lane, _Values], made: Mapping[Lane, Signal], count: int
) -> _Values:
    """A signal in `count` states; adds the lanes that it depends on to `known`."""
    for lane in signal.lanes():
        if lane not in known:
            known[lane] = 2 * _signal(made[lane], known, made, count) - 1
    total = _form(signal.linear, known, count)
    for term in signal.gated:
        total = total + _holds(term.condition, known, count) * _form(term.form, known, count)
    return total


def _form(form: Form, known: Mapping[Lane, _Values], count: int) -> _Values:
    total = np.full(count, float(form.constant))
    for lane, factor in form.terms.items():
        total += float(factor) * known[lane]
    return total


def _holds(condition: Condition, known: Mapping[Lane, _Values], count: int) -> _Values:
    return (_form(condition.form, known, count) >= condition.threshold).astype(np.float64)
