"""Circuit to blocks: each statement as soon as its operands exist.

A block is two *phases*: phase 2k is the attention of block k, phase 2k + 1 its MLP. The phases
after the one that makes a lane can use it; phase -1 makes the lanes that a loop begins with.

The next value of a register is made in the lanes of the register, so not before the last use of the
old value. The next value of one register may use another register. `_place_following` finds the
first phases that suit all.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from looped.circuit.circuit import Circuit, Define, Read, Write
from looped.circuit.signals import Signal
from looped.circuit.words import Lane
from looped.errors import CompileError
from looped.passes.checks import ensure

__all__ = ["LOOP_START", "BitDefinition", "Schedule", "check_schedule", "cleared", "schedule"]

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
    """The phase of every statement; `made` and `last_use` bound the live range of every CPU lane.

    The next value of a register outlives the loop, whatever `last_use` says: the layout keeps its
    lanes. `coalesced_into` maps a lane onto which a head reads to the lane of the sum.
    """

    circuit: Circuit
    reads: dict[int, list[Read]] = field(default_factory=dict)
    writes: dict[int, list[Write]] = field(default_factory=dict)
    bits: dict[int, list[BitDefinition]] = field(default_factory=dict)
    made: dict[Lane, int] = field(default_factory=dict)
    last_use: dict[Lane, int] = field(default_factory=dict)
    coalesced_into: dict[Lane, Lane] = field(default_factory=dict)

    @property
    def blocks(self) -> int:
        """The number of blocks."""
        phases = [0, *self.reads, *self.writes, *self.bits, *map(cleared, self.last_use.values())]
        return max(phases) // 2 + 1

    def cleared_in(self, lane: Lane) -> int:
        """The phase whose MLP clears a lane that no register keeps: after its last use.

        If nothing uses a bit, the MLP of the block that reads it clears it.
        """
        return max(1, cleared(max(self.made[lane], self.last_use.get(lane, LOOP_START))))

    def use(self, lanes: Iterable[Lane], phase: int) -> None:
        """Note that lanes are used in a phase."""
        for lane in lanes:
            self.last_use[lane] = max(phase, self.last_use.get(lane, LOOP_START))


def schedule(circuit: Circuit, late: bool = False) -> Schedule:
    """Give every read, write and bit the first phase in which all its operands are made.

    If `late`, next values that nothing in the loop uses are made in the last block.

    Leaves out a bit that no access and no register depends on. Raises CompileError for words that
    depend on themselves.
    """
    result = Schedule(circuit)
    homes: dict[Lane, Lane] = {}
    for register in circuit.registers:
        result.made.update(dict.fromkeys(register.word, LOOP_START))
        homes.update(zip(register.following or (), register.word, strict=False))
    bits = [
        BitDefinition(define, lane, signal)
        for define in circuit.defines
        for lane, signal in zip(define.target, define.value.signals, strict=True)
    ]
    needed = _needed(circuit, bits, homes)
    _place_all(result, circuit.reads, [bit for bit in bits if bit.lane in needed])
    _place_writes(result)
    following = [bit for bit in bits if bit.lane in homes and bit.lane not in needed]
    earliest = 2 * result.blocks - 1 if late else LOOP_START
    if late:  # old values stay until then
        result.use(homes.values(), earliest)
    _place_following(result, following, homes, earliest)
    return result


def _needed(circuit: Circuit, bits: list[BitDefinition], homes: dict[Lane, Lane]) -> set[Lane]:
    """The lanes on which accesses and next values depend, directly or not."""
    sources = {bit.lane: bit.signal for bit in bits}
    pending = [lane for read in circuit.reads for lane in (*read.lanes(), *(read.onto or ()))]
    pending += [lane for write in circuit.writes for lane in write.lanes()]
    pending += [lane for bit in bits if bit.lane in homes for lane in bit.signal.lanes()]
    needed: set[Lane] = set()
    while pending:
        lane = pending.pop()
        if lane not in needed:
            needed.add(lane)
            pending += sources[lane].lanes() if lane in sources else ()
    return needed


def _place_all(result: Schedule, reads: list[Read], bits: list[BitDefinition]) -> None:
    """Place every read and bit once all its operands have phases."""
    waiting_reads, waiting_bits = list(reads), list(bits)
    while waiting_reads or waiting_bits:
        ready_reads = [r for r in waiting_reads if _known(result, [*r.lanes(), *(r.onto or ())])]
        ready_bits = [b for b in waiting_bits if _known(result, b.signal.lanes())]
        if not ready_reads and not ready_bits:
            stuck = [*(read.name for read in waiting_reads), *(str(b.lane) for b in waiting_bits)]
            raise CompileError(f"`{stuck[0]}` depends on itself, or on a word that does")
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


def _place_read(result: Schedule, read: Read) -> None:
    """Heads of one phase may read onto the same word: the residual stream adds them up."""
    lanes = list(read.lanes())
    phase = _after(result, lanes, 0)
    if read.onto is not None:
        ready = max(result.made[lane] for lane in read.onto)
        phase = max(phase, ready + ready % 2)
        result.coalesced_into.update(zip(read.onto, read.result, strict=True))
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
    """Writes come after every read of the loop, so that reads find the old contents.

    All of them are in one block, so that their order does not matter.
    """
    writes = result.circuit.writes
    ready = (_after(result, list(write.lanes()), 0) for write in writes)
    phase = max([*ready, *result.reads, 0])
    for write in writes:
        result.writes.setdefault(phase, []).append(write)
        result.use(write.lanes(), phase)


def _place_following(
    result: Schedule, bits: list[BitDefinition], homes: dict[Lane, Lane], earliest: int
) -> None:
    """Place next values that nothing in the loop needs, each after its register's last use, and not
    before the phase `earliest`.

    Each may use the old values of the others, so delaying one may delay another.
    """
    phases = {bit.lane: max(earliest, _after(result, bit.signal.lanes(), 1)) for bit in bits}
    moved = True
    while moved:
        moved = False
        for bit in bits:
            for lane in bit.signal.lanes():
                result.use([lane], phases[bit.lane])
        for bit in bits:
            free = cleared(result.last_use.get(homes[bit.lane], LOOP_START))
            if free > phases[bit.lane]:
                phases[bit.lane], moved = free, True
    for bit in bits:
        _place_bit(result, bit, earliest=phases[bit.lane])


def check_schedule(scheduled: Schedule) -> None:
    """Raise InvalidError unless a schedule is valid.

    Every read and write has one phase, an attention. Every bit that has a phase has one, an MLP. A
    phase uses only lanes made before it, and no old value of a register after its next value.
    """
    circuit = scheduled.circuit
    for what, placed, parity in (
        (circuit.reads, scheduled.reads, 0),
        (circuit.writes, scheduled.writes, 0),
    ):
        done = [id(access) for phase in placed for access in placed[phase]]
        ensure(sorted(done) == sorted(map(id, what)), "an access does not have one phase")
        ensure(all(phase % 2 == parity for phase in placed), "an access is not in attention")
    made = [bit.lane for bits in scheduled.bits.values() for bit in bits]
    ensure(len(made) == len(set(made)), "a bit is made twice")
    ensure(all(phase % 2 == 1 for phase in scheduled.bits), "a bit is not made in an MLP")
    for phase, bits in scheduled.bits.items():
        for bit in bits:
            ensure(scheduled.made[bit.lane] == phase, f"{bit.lane} is made in another phase")
            _check_uses(scheduled, str(bit.lane), bit.signal.lanes(), phase)
    for placed_accesses in (scheduled.reads, scheduled.writes):
        for phase, accesses in placed_accesses.items():
            for access in accesses:
                _check_uses(scheduled, access.name, access.lanes(), phase)
    for read in circuit.reads:
        for lane, total in zip(read.onto or (), read.result, strict=False):
            late = scheduled.last_use[lane] > scheduled.made[total]
            ensure(not late, f"{lane} is used after `{read.name}` has added to it")
    last = max(scheduled.reads, default=0)
    ensure(all(phase >= last for phase in scheduled.writes), "a write comes before a read")
    ensure(len(scheduled.writes) <= 1, "writes are in several blocks")
    for register in circuit.registers:
        for old, new in zip(register.word, register.following or (), strict=False):
            used = scheduled.last_use.get(old, LOOP_START)
            ensure(scheduled.made[new] >= cleared(used), f"{old} is used after {new} is made")


def _check_uses(scheduled: Schedule, user: str, lanes: Iterable[Lane], phase: int) -> None:
    for lane in lanes:
        ensure(lane in scheduled.made, f"{user} uses {lane}, which is never made")
        ensure(scheduled.made[lane] < phase, f"{user} uses {lane} before it is made")
        ensure(scheduled.last_use[lane] >= phase, f"{user} uses {lane} after its last use")
