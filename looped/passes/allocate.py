"""Register allocation: which lanes of the residual stream each word of the circuit occupies.

The constant, the tags and positions that distinguish columns, the memory word and the registers
keep their lanes for the whole loop. Words whose live ranges do not overlap share the other lanes.
The MLP after the last use of a lane clears it, and the same MLP may fill it again. Where a head
adds onto a word, the sum is coalesced into the lanes of the word.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from looped.artefact.plan import Occupant
from looped.circuit.circuit import Circuit
from looped.circuit.words import ONE, Lane, Word, bit
from looped.number_format import CODE, FLAG, NumberFormat
from looped.passes.checks import ensure
from looped.passes.schedule import LOOP_START, BitDefinition, Schedule
from looped.precision import FLOAT32, FLOAT64, Precision

__all__ = [
    "CPU",
    "REGISTER",
    "TAG",
    "VALUE",
    "Layout",
    "LiveRange",
    "allocate",
    "check_layout",
    "padded_width",
    "planned_occupants",
    "position",
    "static_words",
    "word_formats",
    "words_between_loops",
]

CPU = Word.of("cpu", 1)
"""+1 in the CPU column alone."""

TAG = Word.of("device", 1)
"""+1 in the device columns (CPU and input), -1 in memory columns: the top bit of a position."""

REGISTER = Word.of("register", 1)
"""+1 in the columns of the register file, on a machine that has one."""

VALUE = "value"
"""The memory word or the register of a column; in the input column, the next word of input."""

_FOREVER = 1 << 30


def position(offset: int, address_bits: int) -> Word:
    """The lanes in which column j holds the code of j - offset: the keys of a fetch at pc + offset.

    The CPU column holds -1 in all of them, the input column +1, the column of a register the
    register number.
    """
    return Word.of("position" if offset == 0 else f"position-{offset}", address_bits)


def static_words(circuit: Circuit) -> list[Word]:
    """The words that no weight ever writes."""
    offsets = sorted({0, *(read.offset for read in circuit.reads)})
    tags = [CPU, TAG, REGISTER] if circuit.register_bits else [CPU, TAG]
    return [Word("one", (ONE,)), *tags, *(position(o, circuit.address_bits) for o in offsets)]


def words_between_loops(circuit: Circuit) -> dict[str, Word]:
    """The words that exist between loops, by name; for a register, its next value."""
    static = [*static_words(circuit), Word.of(VALUE, circuit.width)]
    kept = [(word.name, word) for word in static]
    kept += [(r.name, r.following or r.word) for r in circuit.registers]
    ensure(len(dict(kept)) == len(kept), "a register has the name of another word")
    return dict(kept)


def word_formats(circuit: Circuit) -> dict[str, NumberFormat]:
    """What the bits of each word between loops stand for."""
    formats = {w.name: CODE if len(w) > 1 else FLAG for w in static_words(circuit)}
    formats[VALUE] = circuit.number
    return formats | {register.name: register.number for register in circuit.registers}


@dataclass(frozen=True, slots=True)
class LiveRange:
    """The phases in which a lane of the circuit needs a lane of the residual stream.

    Phase `start` makes it, phase `end` clears it (see `schedule`).
    """

    lane: Lane
    start: int
    end: int

    def overlaps(self, other: LiveRange) -> bool:
        """Whether some phase needs both; one may start in the phase that clears the other."""
        return self.start < other.end and other.start < self.end


@dataclass
class Layout:
    """The lane of the residual stream that each lane of the circuit is assigned to.

    `occupants[i]` lists the live ranges in lane i during one loop; `index` is the reverse.
    """

    occupants: list[list[LiveRange]] = field(default_factory=list)
    index: dict[Lane, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.occupants)

    def assign(self, live: LiveRange, index: int) -> None:
        """Assign a live range to a lane of the residual stream, which may be a new one."""
        while index >= len(self.occupants):
            self.occupants.append([])
        self.occupants[index].append(live)
        self.index[live.lane] = index

    def is_free(self, live: LiveRange, index: int) -> bool:
        """Whether a lane of the residual stream is free for a live range."""
        for other in self.occupants[index]:  # as `overlaps` says, without a call for each
            if live.start < other.end and other.start < live.end:
                return False
        return True

    def cleared_in(self, phase: int) -> list[Lane]:
        """The lanes that the MLP of a phase clears."""
        return [live.lane for ranges in self.occupants for live in ranges if live.end == phase]


def allocate(schedule: Schedule) -> Layout:
    """Assign every lane of a scheduled circuit to a lane of the residual stream."""
    layout = Layout()
    circuit = schedule.circuit
    for word in [*static_words(circuit), Word.of(VALUE, circuit.width)]:
        for lane in word:
            layout.assign(LiveRange(lane, LOOP_START, _FOREVER), len(layout))
    _assign_registers(layout, schedule)
    for phase in range(2 * schedule.blocks):
        for read in schedule.reads.get(phase, []):
            for lane in read.result if read.onto is None else ():
                _assign(layout, schedule, lane, None)
        # lanes that can replace one of their operands choose first
        bits = [b for b in schedule.bits.get(phase, []) if b.lane not in layout.index]
        for definition in sorted(bits, key=lambda b: _replaceable(b, schedule) is None):
            _assign(layout, schedule, definition.lane, _replaceable(definition, schedule))
    return layout


def check_layout(schedule: Schedule, layout: Layout) -> None:
    """Raise InvalidError unless a layout is valid.

    Every lane that is made has one live range, which is not empty and contains all uses. Live
    ranges in one lane do not overlap. A register's next value is in the lanes of the register.
    """
    entries = [(i, live) for i, ranges in enumerate(layout.occupants) for live in ranges]
    ranges = {live.lane: live for _, live in entries}
    ensure(len(ranges) == len(entries), "a lane has two live ranges")
    for index, live in entries:
        lane = live.lane
        ensure(layout.index[lane] == index, f"{lane} is not in the lane that the index says")
        coalesced = lane in schedule.coalesced_into and live.start == live.end
        ensure(live.start < live.end or coalesced, f"{lane} has an empty live range")
        for other in layout.occupants[index]:
            overlaps = other is not live and live.overlaps(other)
            ensure(not overlaps, f"the live ranges of {lane} and {other.lane} overlap")
    for lane, phase in schedule.made.items():
        ensure(lane in ranges, f"{lane} is made but has no lane")
        starts = ranges[lane].start == phase
        ensure(starts, f"the live range of {lane} does not start in phase {phase}")
        used = schedule.last_use.get(lane, LOOP_START)
        ensure(used <= ranges[lane].end, f"{lane} is used after the end of its live range")
    for register in schedule.circuit.registers:
        for old, new in zip(register.word, register.following or register.word, strict=True):
            ensure(layout.index[old] == layout.index[new], f"{old} moves from loop to loop")
            ensure(ranges[new].end == _FOREVER, f"{new} does not outlive the loop")


def _assign_registers(layout: Layout, schedule: Schedule) -> None:
    for register in schedule.circuit.registers:
        for i, lane in enumerate(register.word):
            index = len(layout)
            if register.following is None:
                layout.assign(LiveRange(lane, LOOP_START, _FOREVER), index)
                continue
            layout.assign(_live_range(schedule, lane), index)
            following = register.following[i]
            layout.assign(LiveRange(following, schedule.made[following], _FOREVER), index)


def _live_range(schedule: Schedule, lane: Lane) -> LiveRange:
    """A lane that is coalesced into another is not cleared: it ends where the other starts."""
    other = schedule.coalesced_into.get(lane)
    end = schedule.cleared_in(lane) if other is None else schedule.made[other]
    return LiveRange(lane, schedule.made[lane], end)


def _coalesced(schedule: Schedule, lane: Lane) -> list[LiveRange]:
    """A lane and those that it is coalesced into, which follow each other in one lane of the
    residual stream."""
    lanes = [lane]
    while lanes[-1] in schedule.coalesced_into:
        lanes.append(schedule.coalesced_into[lanes[-1]])
    return [_live_range(schedule, member) for member in lanes]


def _replaceable(definition: BitDefinition, schedule: Schedule) -> Lane | None:
    """A lane that ends where this one starts and equals it except for gated terms."""
    phase = schedule.made[definition.lane]
    for lane in definition.signal.linear.terms:
        plain = not definition.signal.linear - bit(lane)
        if plain and schedule.cleared_in(lane) == phase:
            return lane
    return None


def _assign(layout: Layout, schedule: Schedule, lane: Lane, preferred: Lane | None) -> None:
    ranges = _coalesced(schedule, lane)
    whole = LiveRange(lane, ranges[0].start, ranges[-1].end)
    free = [i for i in range(len(layout)) if layout.is_free(whole, i)]
    shared = [i for i in free if all(live.end < _FOREVER for live in layout.occupants[i])]
    index = min(shared or free, default=len(layout))
    if preferred is not None and layout.index[preferred] in free:
        index = layout.index[preferred]
    for live in ranges:
        layout.assign(live, index)


def planned_occupants(
    circuit: Circuit, layout: Layout, blocks: int
) -> tuple[tuple[Occupant, ...], ...]:
    """The occupants of each lane of the CPU column during a loop, in order, as in a plan.

    The next value of a register has the name of the register.
    """
    names = {
        lane: Lane(register.name, i)
        for register in circuit.registers
        for i, lane in enumerate(register.following or register.word)
    }

    def occupant(live: LiveRange) -> Occupant:
        name = names.get(live.lane, live.lane)
        return Occupant(name.word, name.index, live.start, min(live.end, 2 * blocks))

    def ordered(held: list[LiveRange]) -> list[LiveRange]:
        return sorted((live for live in held if live.start < live.end), key=lambda live: live.start)

    return tuple(tuple(map(occupant, ordered(held))) for held in layout.occupants)


def padded_width(lanes: int, n_heads: int, precision: Precision = FLOAT32) -> int:
    """The smallest d_model that holds `lanes` lanes and keeps RMSNorm exact.

    It is a multiple of `n_heads`, as stock models require. And 1/d_model, rounded to this format,
    float32 or float64, times d_model gives 1: some kernels compute a mean in that way.
    """
    d_model = -(-lanes // n_heads) * n_heads
    formats = (precision, FLOAT32, FLOAT64)
    while not all(p.rounded(d_model * p.rounded(Fraction(1, d_model))) == 1 for p in formats):
        d_model += n_heads
    return d_model
