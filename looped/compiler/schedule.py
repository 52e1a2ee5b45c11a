"""Circuit to blocks, by dependence: as soon as possible.

A block is two *phases*: phase 2k is the attention of block k, phase 2k + 1 its MLP. A lane made in
one phase can be used from the next one on; what is there when a loop begins was made in phase -1.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from looped.compiler.circuit import Circuit, Define, FileRead, Read, Write
from looped.compiler.signals import Signal
from looped.compiler.words import Lane

__all__ = ["LOOP_START", "BitDefinition", "Schedule", "cleared", "schedule"]

LOOP_START = -1


def cleared(last_use: int) -> int:
    """The first MLP phase that can clear a lane: the phase of its last use or the one after."""
    return last_use if last_use % 2 == 1 else last_use + 1


@dataclass(frozen=True, slots=True)
class BitDefinition:
    """One lane of a definition, its signal, and the phase of the MLP that makes it."""

    define: Define
    lane: Lane
    signal: Signal


@dataclass
class Schedule:
    """What happens in which phase; `made` and `last_use` say for every CPU lane how long it lives.

    A lane that outlives the loop (a register's next value) has no entry in `last_use` that
    counts: its place in the register is kept by the layout. A lane onto which a head reads lives
    on as the lane that `heirs` has for it.
    """

    circuit: Circuit
    reads: dict[int, list[Read | FileRead]] = field(default_factory=dict)
    writes: dict[int, list[Write]] = field(default_factory=dict)
    bits: dict[int, list[BitDefinition]] = field(default_factory=dict)
    made: dict[Lane, int] = field(default_factory=dict)
    last_use: dict[Lane, int] = field(default_factory=dict)
    heirs: dict[Lane, Lane] = field(default_factory=dict)

    @property
    def blocks(self) -> int:
        """The number of blocks."""
        phases = [0, *self.reads, *self.writes, *self.bits, *map(cleared, self.last_use.values())]
        return max(phases) // 2 + 1

    def use(self, lanes: Iterable[Lane], phase: int) -> None:
        """Note that lanes are used in a phase."""
        for lane in lanes:
            self.last_use[lane] = max(phase, self.last_use.get(lane, LOOP_START))


def schedule(circuit: Circuit) -> Schedule:
    """Give every read, write and bit the first phase in which all that it needs is there.

    A bit that nothing uses and no register keeps is left out.
    """
    result = Schedule(circuit)
    homes = {}
    for register in circuit.registers:
        result.made.update(dict.fromkeys(register.word, LOOP_START))
        for old, new in zip(register.word, register.following or (), strict=False):
            homes[new] = old
    bits = [
        BitDefinition(define, lane, signal)
        for define in circuit.defines
        for lane, signal in zip(define.target, define.value.signals, strict=True)
    ]
    used = {lane for _, lanes in circuit.uses() for lane in lanes}
    within = [bit for bit in bits if bit.lane in used]
    _place_all(result, circuit.reads, within)
    _place_writes(result)
    for bit in bits:
        if bit.lane in homes and bit.lane not in result.made:
            old_use = result.last_use.get(homes[bit.lane], LOOP_START)
            _place_bit(result, bit, earliest=cleared(old_use))
    return result


def _place_all(result: Schedule, reads: list[Read | FileRead], bits: list[BitDefinition]) -> None:
    """Place whatever has all its lanes, until nothing is left."""
    waiting_reads, waiting_bits = list(reads), list(bits)
    while waiting_reads or waiting_bits:
        ready_reads = [r for r in waiting_reads if _known(result, [*r.lanes(), *(r.onto or ())])]
        ready_bits = [b for b in waiting_bits if _known(result, b.signal.lanes())]
        assert ready_reads or ready_bits, "a circuit built by statements has no cycle"
        for read in ready_reads:
            _place_read(result, read)
        for bit in ready_bits:
            _place_bit(result, bit)
        waiting_reads = [r for r in waiting_reads if r not in ready_reads]
        waiting_bits = [b for b in waiting_bits if b.lane not in result.made]


def _known(result: Schedule, lanes: Iterable[Lane]) -> bool:
    return all(lane in result.made for lane in lanes)


def _after(result: Schedule, lanes: Iterable[Lane], parity: int) -> int:
    """The first phase of a parity (0 attention, 1 MLP) after all these lanes are made."""
    phase = max((result.made[lane] for lane in lanes), default=LOOP_START) + 1
    return phase if phase % 2 == parity else phase + 1


def _place_read(result: Schedule, read: Read | FileRead) -> None:
    """Heads of one phase may read onto the same word: the residual stream adds them up."""
    lanes = list(read.lanes())
    phase = _after(result, lanes, 0)
    if read.onto is not None:
        ready = max(result.made[lane] for lane in read.onto)
        phase = max(phase, ready + ready % 2)
        result.heirs.update(zip(read.onto, read.result, strict=True))
        result.use(read.onto, phase)
    result.reads.setdefault(phase, []).append(read)
    result.made.update(dict.fromkeys(read.result, phase))
    result.use(lanes, phase)


def _place_bit(result: Schedule, bit: BitDefinition, earliest: int = 1) -> None:
    lanes = list(bit.signal.lanes())
    phase = max(_after(result, lanes, 1), earliest)
    result.bits.setdefault(phase, []).append(bit)
    result.made[bit.lane] = phase
    result.use(lanes, phase)


def _place_writes(result: Schedule) -> None:
    """Writes come after every read of the loop: what is read is what was there before."""
    last_read = max(result.reads, default=0)
    for write in result.circuit.writes:
        lanes = list(write.lanes())
        phase = max(_after(result, lanes, 0), last_read)
        result.writes.setdefault(phase, []).append(write)
        result.use(lanes, phase)
