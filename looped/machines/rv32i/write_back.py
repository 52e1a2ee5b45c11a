"""Write-back: the result goes to a register or to memory, through one port."""

from __future__ import annotations

from dataclasses import dataclass

from looped.circuit.circuit import Circuit
from looped.circuit.signals import Signal, Value, any_of_disjoint, disjoint_or, gated, literal
from looped.circuit.words import Word, bit, constant
from looped.machines.rv32i.extension import WritePorts
from looped.machines.rv32i.kinds import flag

__all__ = ["WriteInputs", "WriteOutputs", "write_back"]


@dataclass(frozen=True, slots=True)
class WriteInputs:
    """Ports into the write-back.

    | port          | bits    | content                                                        |
    |---------------|---------|----------------------------------------------------------------|
    | `results`     | 32 each | outputs of other units, at most one of which is not zero       |
    | `rd`          | 5       | the register to write                                          |
    | `rd_nonzero`  | 1       | whether it is not x0                                           |
    | `computes`    | 1 each  | flags of instructions with a result of the ALU or the shifter  |
    | `is_jump`     | 1       | JAL or JALR, which is among them                               |
    | `stores`      | 1 each  | flags of the stores                                            |
    | `place`       |         | the place of the word in memory that a store writes to         |
    | `mem_writes`  | 1       | whether a load or store writes                                 |
    | `target`      | 32      | the target of a jump, which must be aligned                    |
    | `withheld`    | 1 each  | flags: write nothing that is computed                          |
    | `also`        |         | what an extension writes by itself: WritePorts                 |
    """

    results: tuple[Value, ...]
    rd: Word
    rd_nonzero: Word
    computes: tuple[Word, ...]
    is_jump: Word
    stores: tuple[Word, ...]
    place: Word
    mem_writes: Value
    target: Word
    withheld: tuple[Word, ...]
    also: WritePorts | None = None


@dataclass(frozen=True, slots=True)
class WriteOutputs:
    """Ports out of the write-back.

    | port     | bits | content                                     |
    |----------|------|---------------------------------------------|
    | `result` | 32   | the word to write, if there is a write      |
    """

    result: Word


def write_back(m: Circuit, i: WriteInputs) -> WriteOutputs:
    """Write to x[rd], or to memory for a store."""
    also = i.also
    result = m.let("result", disjoint_or(*i.results, *(() if also is None else (also.result,))))
    to_memory = i.stores if also is None else (*i.stores, also.to_memory)
    stores = m.let("stores", Value((Signal(flag(*to_memory)),)))
    links = m.let("links", any_of_disjoint([literal(i.is_jump) & literal(i.rd_nonzero)]))
    writes_rd = m.let("writes rd", _writes_rd(i))
    more = () if also is None else (also.when,)
    linked = any_of_disjoint([literal(links) & ~literal(i.target[1:2])])
    m.write(
        "result",
        m.let("where", _where(i.rd if also is None else also.number, stores, i.place)),
        result,
        in_registers=m.let("in file", ~literal(stores)),
        when=m.let("writes", disjoint_or(writes_rd, linked, i.mem_writes, *more)),
    )
    return WriteOutputs(result)


def _writes_rd(i: WriteInputs) -> Value:
    """Whether the ALU or the shifter has a result for a register other than x0; a jump has one only
    if its target is aligned, and an unfinished instruction has none."""
    computes = gated(literal(i.rd_nonzero), flag(*i.computes) - flag(i.is_jump))
    rd = -bit(i.rd_nonzero[0])
    return disjoint_or(computes, *(gated(literal(word), rd) for word in i.withheld))


def _where(rd: Word, stores: Word, place: Word) -> Value:
    """The column to write to: in memory for a store, else the number of a register."""
    number = [*map(bit, rd), *[constant(0)] * (len(place) - len(rd))]
    return disjoint_or(gated(literal(stores), *map(bit, place)), gated(~literal(stores), *number))
