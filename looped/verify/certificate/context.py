"""ProofContext: a machine, the circuit that it claims to be, and the layout that relates the two.

The compiler makes schedule and layout, but the proof trusts neither. They only state which lane of
the circuit each lane of the residual stream holds after each phase. Each statement is proved from
the statements before it and the weights. A wrong layout is a failed claim.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from looped.artefact.plan import CompiledMachine, Plan
from looped.circuit.circuit import Circuit, Read
from looped.circuit.signals import Signal
from looped.circuit.words import Lane, Word
from looped.passes.allocate import VALUE, Layout, allocate, static_words
from looped.passes.fuse_reads import fuse_reads
from looped.passes.schedule import LOOP_START, Schedule, schedule
from looped.verify.certificate.columns import ColumnClass, column_classes
from looped.verify.certificate.phases import LaneIndex, Phase, after_mlp
from looped.verify.certificate.rows import BlockRows, block_rows
from looped.verify.certificate.semantics import definitions

if TYPE_CHECKING:
    from looped.nn import LoopedTransformer

__all__ = ["Occupants", "ProofContext"]

Occupants = Mapping[LaneIndex, Lane]
"""Which lane of the circuit occupies which lane of the residual stream."""


@dataclass(frozen=True)
class ProofContext:
    """What a certificate is about."""

    machine: CompiledMachine
    circuit: Circuit
    schedule: Schedule
    layout: Layout
    classes: tuple[ColumnClass, ...]
    definitions: Mapping[Lane, Signal]

    @classmethod
    def of(cls, machine: CompiledMachine, circuit: Circuit) -> ProofContext:
        """The context of a machine and the circuit that it claims to be."""
        circuit = fuse_reads(circuit)
        scheduled = schedule(circuit)
        classes = column_classes(machine.plan)
        return cls(machine, circuit, scheduled, allocate(scheduled), classes, definitions(circuit))

    @functools.cached_property
    def model(self) -> LoopedTransformer:
        """The transformer itself."""
        return self.machine.model()

    @property
    def plan(self) -> Plan:
        """The plan of the machine."""
        return self.machine.plan

    @property
    def cpu(self) -> ColumnClass:
        """The CPU column."""
        return next(c for c in self.classes if c.is_cpu)

    def value(self) -> tuple[LaneIndex, ...]:
        """The lanes of the memory word."""
        return tuple(self.index(lane) for lane in Word.of(VALUE, self.circuit.width))

    def index(self, lane: Lane) -> LaneIndex:
        """The lane of the residual stream that a lane of the circuit occupies."""
        return LaneIndex(self.layout.index[lane])

    def occupants(self, phase: Phase) -> Occupants:
        """What occupies the CPU column after a phase, except static lanes and the memory word."""
        return dict(self._occupants(phase))

    def occupied(self, phase: Phase) -> list[LaneIndex]:
        """The lanes that are occupied after a phase, once for each occupant."""
        return [index for index, _ in self._occupants(phase)]

    @functools.cached_property
    def static_names(self) -> frozenset[str]:
        """The names of the words that no weight ever changes."""
        return frozenset(word.lanes[0].word for word in static_words(self.circuit))

    def _occupants(self, phase: Phase) -> Iterator[tuple[LaneIndex, Lane]]:
        apart = {lane for word in static_words(self.circuit) for lane in word}
        apart.update(Word.of(VALUE, self.circuit.width))
        for index, live_ranges in enumerate(self.layout.occupants):
            for live in live_ranges:
                if live.start <= phase < live.end and live.lane not in apart:
                    yield LaneIndex(index), live.lane

    def rows(self, block: int) -> BlockRows:
        """The weights of a block as exact rows."""
        return block_rows(self.machine, block)

    def definitions_of(self, lanes: frozenset[Lane]) -> dict[Lane, Signal]:
        """The definitions of those lanes that an MLP made."""
        return {lane: self.definitions[lane] for lane in lanes if lane in self.definitions}

    @functools.cached_property
    def zero_reads(self) -> Mapping[Lane, tuple[Read, int]]:
        """The lanes of reads that sometimes add nothing, each with the read and the bit: reads with
        a `when`, and those of a register file with a zero register."""
        file = self.circuit.zero_register
        reads = (r for r in self.circuit.reads if r.when is not None or (r.in_registers and file))
        return {lane: (read, bit) for read in reads for bit, lane in enumerate(read.result)}

    def next_lanes(self) -> dict[Lane, Lane]:
        """Each lane of a register, and the lane that holds its next value."""
        return {
            old: new
            for register in self.circuit.registers
            for old, new in zip(register.word, register.following or register.word, strict=True)
        }

    @property
    def first(self) -> Phase:
        """The phase before the first one."""
        return Phase(LOOP_START)

    @functools.cached_property
    def last(self) -> Phase:
        """The last phase of a loop."""
        return after_mlp(len(self.plan.blocks) - 1)
