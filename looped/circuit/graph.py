"""Graph: the statements of a circuit and its sizes, without the methods that add them.

`validity` and `bits` say which graphs are valid; `Circuit` is the language in which a machine
writes one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from looped.circuit.statements import (
    Define,
    Invariant,
    Read,
    Register,
    WorkerRegisters,
    Write,
)
from looped.circuit.words import Lane, Word
from looped.number_format import UNSIGNED, NumberFormat
from looped.ports import Ports
from looped.precision import FLOAT32, Precision

__all__ = ["Graph"]


@dataclass
class Graph:
    """One step of a machine as statements, in any order.

    Memory has 2^address_bits words. The register file, if there is one, has 2^register_bits; with
    `zero_register` its register 0 is always zero. `precision` is the format in which its sums must
    be exact: adders are cut to its mantissa. `number` is the format of the words of memory and of
    the register file; no weight depends on it. `parameters` are what the machine is compiled for,
    beside these sizes, by name: the plan keeps them. `ports` are the words by which the machine
    talks to its host. `halted` is the lane of a register that stops the machine until its host
    acts. The lane `busy` is set while an instruction takes another loop; between two instructions
    every word of `scratch`, the flag among them, is zero. With `workers` the machine may have
    several CPU columns, any power of two up to 2^bits of the number of a worker; see
    `Circuit.has_workers`.
    """

    name: str
    width: int
    address_bits: int
    register_bits: int = 0
    zero_register: bool = False
    halted: Lane | None = None
    busy: Lane | None = None
    scratch: tuple[Word, ...] = ()
    workers: WorkerRegisters | None = None
    precision: Precision = FLOAT32
    number: NumberFormat = UNSIGNED
    parameters: Mapping[str, int] = field(default_factory=dict)
    ports: Ports = field(default_factory=Ports)
    registers: list[Register] = field(default_factory=list)
    reads: list[Read] = field(default_factory=list)
    defines: list[Define] = field(default_factory=list)
    writes: list[Write] = field(default_factory=list)
    invariants: list[Invariant] = field(default_factory=list)

    @property
    def has_input(self) -> bool:
        """Whether there is an input column: some read can name a device."""
        return any(read.port is not None for read in self.reads)

    def uses(self) -> Iterator[tuple[str, set[Lane]]]:
        """For each statement, its place and the CPU lanes that it depends on."""
        for read in self.reads:
            yield read.where, {*read.lanes(), *(read.onto or ())}
        for write in self.writes:
            yield write.where, set(write.lanes())
        for define in self.defines:
            for signal in define.value.signals:
                yield define.where, set(signal.lanes())

    def makers(self) -> Iterator[Register | Read | Define]:
        """The statements that make words."""
        yield from self.registers
        yield from self.reads
        yield from self.defines
