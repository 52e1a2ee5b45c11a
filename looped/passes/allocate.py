"""Names to lanes, by liveness: where every word sits in the residual stream.

Some lanes have a place of their own for good: the constant, the tags and positions that tell the
columns apart, the memory word, the registers. All others are shared: a lane is free again once the
MLP after its last use has cleared it, and the MLP that clears a lane may fill it anew at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from looped.circuit.circuit import Circuit
from looped.circuit.words import ONE, Lane, Word, bit
from looped.passes.checks import ensure
from looped.passes.schedule import LOOP_START, BitDefinition, Schedule
from looped.precision import FLOAT32, FLOAT64, Precision

__all__ = [
    "CPU",
    "FILE",
    "TAG",
    "VALUE",
    "Layout",
    "Tenancy",
    "allocate",
    "check_layout",
    "padded_width",
    "position",
    "static_words",
]

CPU = Word.of("cpu", 1)
"""+1 in the CPU column alone."""

TAG = Word.of("device", 1)
"""+1 in the device columns (CPU and input), -1 in memory columns: the top bit of a position."""

FILE = Word.of("file", 1)
"""+1 in the columns of the register file, on a machine that has one."""

VALUE = "value"
"""The memory word or the register of a column; in the input column, the next word of input."""

_FOREVER = 1 << 30


def position(offset: int, address_bits: int) -> Word:
    """The lanes in which column j holds the code of j - offset: what a fetch of pc + offset asks.

    In the CPU column they are all -1, in the input column all +1; in the column of a register they
    have its number.
    """
    return Word.of("position" if offset == 0 else f"position-{offset}", address_bits)


def static_words(circuit: Circuit) -> list[Word]:
    """The words that no weight ever writes."""
    offsets = sorted({0, *(read.offset for read in circuit.reads)})
    tags = [CPU, TAG, FILE] if circuit.register_bits else [CPU, TAG]
    return [Word("one", (ONE,)), *tags, *(position(o, circuit.address_bits) for o in offsets)]


@dataclass(frozen=True, slots=True)
class Tenancy:
    """A lane of the circuit living in a lane of the residual stream.

    It is made in phase `start` and cleared in phase `end` (see `schedule`).
    """

    lane: Lane
    start: int
    end: int

    def overlaps(self, other: Tenancy) -> bool:
        """Whether both need the place at once; one may begin in the phase that clears the other."""
        return self.start < other.end and other.start < self.end


@dataclass
class Layout:
    """Which lane of the residual stream holds what, and when.

    `tenants[i]` lists those who live in lane i in the course of one loop.
    """

    tenants: list[list[Tenancy]] = field(default_factory=list)
    index: dict[Lane, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.tenants)

    def settle(self, tenancy: Tenancy, index: int) -> None:
        """Let a lane live at an index, which may be a new one."""
        while index >= len(self.tenants):
            self.tenants.append([])
        self.tenants[index].append(tenancy)
        self.index[tenancy.lane] = index

    def free(self, tenancy: Tenancy, index: int) -> bool:
        """Whether a lane could live at an index."""
        return not any(tenancy.overlaps(other) for other in self.tenants[index])

    def cleared_in(self, phase: int) -> list[Lane]:
        """The lanes that the MLP of a phase has to clear."""
        return [t.lane for tenants in self.tenants for t in tenants if t.end == phase]


def allocate(schedule: Schedule) -> Layout:
    """Give every lane of a scheduled circuit its place."""
    layout = Layout()
    circuit = schedule.circuit
    for word in [*static_words(circuit), Word.of(VALUE, circuit.width)]:
        for lane in word:
            layout.settle(Tenancy(lane, LOOP_START, _FOREVER), len(layout))
    _place_registers(layout, schedule)
    for phase in range(2 * schedule.blocks):
        for read in schedule.reads.get(phase, []):
            for lane in read.result if read.onto is None else ():
                _place(layout, schedule, lane, None)
        # those that can take the place of what they are computed from choose first
        bits = [b for b in schedule.bits.get(phase, []) if b.lane not in layout.index]
        for definition in sorted(bits, key=lambda b: _heir(b, schedule) is None):
            _place(layout, schedule, definition.lane, _heir(definition, schedule))
    return layout


def check_layout(schedule: Schedule, layout: Layout) -> None:
    """Raise InvalidError unless a layout is valid.

    Every lane that is made has one place; no two live in one place at a time, and none lives for
    no time; what is used is alive; a register's next value ends where the register begins.
    """
    places = [(t.lane, i, t) for i, tenants in enumerate(layout.tenants) for t in tenants]
    ensure(len({lane for lane, _, _ in places}) == len(places), "a lane has two places")
    homes = {lane: tenancy for lane, _, tenancy in places}
    for lane, index, tenancy in places:
        ensure(layout.index[lane] == index, f"{lane} is in another place than the index says")
        handed_on = lane in schedule.heirs and tenancy.start == tenancy.end
        ensure(tenancy.start < tenancy.end or handed_on, f"{lane} lives for no time")
        for other in layout.tenants[index]:
            ensure(other is tenancy or not tenancy.overlaps(other), f"{lane} and {other.lane} meet")
    for lane, phase in schedule.made.items():
        ensure(lane in homes, f"{lane} is made and has no place")
        ensure(homes[lane].start == phase, f"{lane} is made in phase {phase} and lives otherwise")
        used = schedule.last_use.get(lane, LOOP_START)
        ensure(used <= homes[lane].end, f"{lane} is used when it is dead")
    for register in schedule.circuit.registers:
        for old, new in zip(register.word, register.following or register.word, strict=True):
            ensure(layout.index[old] == layout.index[new], f"{old} moves from loop to loop")
            ensure(homes[new].end == _FOREVER, f"{new} does not outlive the loop")


def _place_registers(layout: Layout, schedule: Schedule) -> None:
    for register in schedule.circuit.registers:
        for i, lane in enumerate(register.word):
            index = len(layout)
            if register.following is None:
                layout.settle(Tenancy(lane, LOOP_START, _FOREVER), index)
                continue
            layout.settle(_tenancy(schedule, lane), index)
            following = register.following[i]
            layout.settle(Tenancy(following, schedule.made[following], _FOREVER), index)


def _tenancy(schedule: Schedule, lane: Lane) -> Tenancy:
    """A lane that has an heir is not cleared: its place is handed on when the heir is made."""
    heir = schedule.heirs.get(lane)
    end = schedule.death(lane) if heir is None else schedule.made[heir]
    return Tenancy(lane, schedule.made[lane], end)


def _dynasty(schedule: Schedule, lane: Lane) -> list[Tenancy]:
    """A lane and its heirs, who follow each other in one place."""
    members = [lane]
    while members[-1] in schedule.heirs:
        members.append(schedule.heirs[members[-1]])
    return [_tenancy(schedule, member) for member in members]


def _heir(definition: BitDefinition, schedule: Schedule) -> Lane | None:
    """A lane that dies as this one is made and that it is equal to but for gated terms."""
    phase = schedule.made[definition.lane]
    for lane in definition.signal.linear.terms:
        plain = not definition.signal.linear - bit(lane)
        if plain and schedule.death(lane) == phase:
            return lane
    return None


def _place(layout: Layout, schedule: Schedule, lane: Lane, preferred: Lane | None) -> None:
    dynasty = _dynasty(schedule, lane)
    whole = Tenancy(lane, dynasty[0].start, dynasty[-1].end)
    free = [i for i in range(len(layout)) if layout.free(whole, i)]
    scratch = [i for i in free if all(t.end < _FOREVER for t in layout.tenants[i])]
    place = min(scratch or free, default=len(layout))
    if preferred is not None and layout.index[preferred] in free:
        place = layout.index[preferred]
    for tenancy in dynasty:
        layout.settle(tenancy, place)


def padded_width(lanes: int, n_heads: int, precision: Precision = FLOAT32) -> int:
    """The smallest d_model that holds so many lanes and keeps RMSNorm exact.

    It is a multiple of `n_heads` (stock models ask for it), and rounding 1/d_model in this format,
    float32 or float64 and multiplying by d_model gives 1: some kernels compute a mean in that way.
    """
    d_model = -(-lanes // n_heads) * n_heads
    formats = (precision, FLOAT32, FLOAT64)
    while not all(p.rounded(d_model * p.rounded(Fraction(1, d_model))) == 1 for p in formats):
        d_model += n_heads
    return d_model
