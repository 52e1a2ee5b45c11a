"""Subject: a machine, the circuit it claims to be, and the layout by which to compare the two.

Schedule and layout are those of the compiler, but nothing is believed of them: they only say what
stands where at the end of each phase, and every such statement is then shown from the statements
before it and the weights. A wrong layout is a failed claim.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from looped.artefact.plan import CompiledMachine, Plan
from looped.circuit.circuit import Circuit
from looped.circuit.signals import Signal
from looped.circuit.words import Lane, Word
from looped.nn import LoopedTransformer
from looped.passes.allocate import VALUE, Layout, allocate, static_words
from looped.passes.fuse_reads import fuse_reads
from looped.passes.schedule import LOOP_START, Schedule, schedule
from looped.verify.certificate.columns import ColumnClass, column_classes
from looped.verify.certificate.rows import BlockRows, block_rows
from looped.verify.certificate.semantics import definitions

__all__ = ["Subject", "Tenants"]

Tenants = Mapping[int, Lane]
"""Which lane of the circuit lives in which lane of the residual stream."""


@dataclass(frozen=True)
class Subject:
    """What a certificate is about."""

    machine: CompiledMachine
    circuit: Circuit
    schedule: Schedule
    layout: Layout
    classes: tuple[ColumnClass, ...]
    definitions: Mapping[Lane, Signal]

    @classmethod
    def of(cls, machine: CompiledMachine, circuit: Circuit) -> Subject:
        """A machine beside the circuit that it shall be."""
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

    def value(self) -> tuple[int, ...]:
        """The lanes of the memory word."""
        return tuple(self.layout.index[lane] for lane in Word.of(VALUE, self.circuit.width))

    def alive(self, phase: int) -> Tenants:
        """What lives in the CPU column when a phase is over, static lanes and memory left out."""
        return dict(self._tenants(phase))

    def occupied(self, phase: int) -> list[int]:
        """The lanes in which something lives when a phase is over, once for each tenant."""
        return [index for index, _ in self._tenants(phase)]

    @functools.cached_property
    def static_names(self) -> frozenset[str]:
        """The names of the words that no weight ever changes."""
        return frozenset(word.lanes[0].word for word in static_words(self.circuit))

    def _tenants(self, phase: int) -> Iterator[tuple[int, Lane]]:
        apart = {lane for word in static_words(self.circuit) for lane in word}
        apart.update(Word.of(VALUE, self.circuit.width))
        for index, tenants in enumerate(self.layout.tenants):
            for tenancy in tenants:
                if tenancy.start <= phase < tenancy.end and tenancy.lane not in apart:
                    yield index, tenancy.lane

    def rows(self, block: int) -> BlockRows:
        """The weights of a block as exact rows."""
        return block_rows(self.machine, block)

    def past(self, lanes: frozenset[Lane]) -> dict[Lane, Signal]:
        """The definitions of those lanes that an MLP made."""
        return {lane: self.definitions[lane] for lane in lanes if lane in self.definitions}

    @property
    def first(self) -> int:
        """The phase before the first one."""
        return LOOP_START

    @functools.cached_property
    def last(self) -> int:
        """The last phase of a loop."""
        return 2 * len(self.plan.blocks) - 1
