"""Which lanes agree in all workers, in every loop, from the circuit alone.

Workers differ only in their number as a program begins, and they share memory. A lane that is made
from lanes which agree agrees too; so does a word read at an address that agrees, under bits that
agree. The others are *private*. The proof is an induction over loops: if all registers but the
private ones agree as a loop begins, the next values of these are made from lanes that agree. It
looks for the least set of private registers for which that is so, beginning with the bits of the
number under the mask. A definition depends on the variables of its diagram, after the mask has been
put in: if `number + mask` is at least 2^i does not depend on bits under the mask.

Registers that nothing in the circuit changes are private, since a host may set them in one worker;
it never sets the number and the mask.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field

from looped.circuit.circuit import Read
from looped.circuit.words import Lane
from looped.diagrams import Diagrams
from looped.verify.certificate.context import ProofContext
from looped.verify.certificate.semantics import CircuitSemantics
from looped.verify.certificate.specialised import Signs, specialised

__all__ = ["Agreement", "agreement", "mask_signs", "numbering"]

_FEW = 12
"""The most lanes of a definition whose diagram is made; another depends on all its lanes. In FLEQ
those that decide have 8 at most with rows of 16 words, and sums of words have hundreds."""


@dataclass(frozen=True)
class Agreement:
    """The circuit with the mask put in, and the lanes that may differ between workers.

    `registers` are those in which they may differ as a loop begins, `private` all of a loop.
    """

    context: ProofContext
    registers: frozenset[Lane]
    private: frozenset[Lane]


def mask_signs(context: ProofContext) -> Signs:
    """What the mask holds in all workers, in every loop: their count - 1."""
    workers = context.circuit.workers
    assert workers is not None
    last = len(context.plan.cpus) - 1
    return {lane: bool(last >> bit & 1) for bit, lane in enumerate(workers.mask)}


def numbering(context: ProofContext) -> tuple[Lane, ...]:
    """The lanes in which workers have their numbers: the bits of `number` under the mask."""
    workers = context.circuit.workers
    assert workers is not None
    signs = mask_signs(context).values()
    return tuple(lane for lane, one in zip(workers.number, signs, strict=True) if one)


def agreement(context: ProofContext) -> Agreement:
    """The lanes in which workers may differ, in some loop."""
    special = specialised(context, mask_signs(context), context.schedule.made)
    following = context.next_lanes()
    workers = context.circuit.workers
    assert workers is not None
    own = {*workers.number, *workers.mask}
    pins = {old for old, new in following.items() if old == new and old not in own}
    registers, sources = {*numbering(context), *pins}, _Sources(special)
    while True:
        private = sources.private(registers)
        more = {old for old, new in following.items() if new in private} - registers
        if not more:
            return Agreement(special, frozenset(registers), frozenset(private))
        registers |= more


@dataclass(frozen=True)
class _Sources:
    """What each lane of a circuit depends on."""

    context: ProofContext
    _supports: dict[Lane, frozenset[Lane]] = field(default_factory=dict)

    def private(self, registers: set[Lane]) -> set[Lane]:
        """The lanes that depend on private registers, with these."""
        found = set(registers)
        made = self.context.schedule.made
        while True:
            new = {lane for lane in made.keys() - found if self._depends(lane, found)}
            if not new:
                return found
            found |= new

    def _depends(self, lane: Lane, on: set[Lane]) -> bool:
        signal = self.context.definitions.get(lane)
        if signal is not None:
            return not on.isdisjoint(signal.lanes()) and not on.isdisjoint(self._support(lane))
        if lane not in self._reads:
            return False
        read, bit = self._reads[lane]
        below = read.onto[bit : bit + 1] if read.onto is not None else ()
        return not on.isdisjoint((*read.lanes(), *below))

    @functools.cached_property
    def _reads(self) -> Mapping[Lane, tuple[Read, int]]:
        reads = self.context.circuit.reads
        return {lane: (read, bit) for read in reads for bit, lane in enumerate(read.result)}

    def _support(self, lane: Lane) -> frozenset[Lane]:
        """The lanes on which the definition of a lane depends as a function."""
        if lane not in self._supports:
            signal = self.context.definitions[lane]
            semantics = CircuitSemantics(Diagrams(), {})
            found = frozenset(signal.lanes())
            if len(found) <= _FEW:
                semantics.arrange(signal)
                names = semantics.space.support(semantics.signal(signal))
                found = frozenset(name for name in names if isinstance(name, Lane))
            self._supports[lane] = found
        return self._supports[lane]
