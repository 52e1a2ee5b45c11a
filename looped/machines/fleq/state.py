"""State: what the CPU of FLEQ keeps from loop to loop.

An element of the result takes a loop that fetches, loops that compute, and one that writes; a
judged branch takes one more. Several workers compute elements with consecutive numbers at a time.
"""

from __future__ import annotations

from dataclasses import dataclass

from looped.circuit.circuit import Circuit
from looped.circuit.signals import Condition, literal
from looped.circuit.words import Word, bit, total
from looped.machines.fleq.modes import Lengths, Modes, modes

__all__ = ["DIGIT", "State", "registers"]

DIGIT = 4
"""Bits of a multiplier that one step adds: a Booth digit from -8 to 8."""


@dataclass(frozen=True, slots=True)
class State:
    """Registers of the CPU. All from `busy` on are zero between two instructions.

    Workers differ in `element` and in what follows from it. Between two instructions the element of
    a worker is its number.

    | register     | content                                                                      |
    |--------------|------------------------------------------------------------------------------|
    | `pc`         | the address of the instruction; its top bit is set behind the end            |
    | `halted`     | whether the machine has halted, by a trap or outside of memory               |
    | `trap`       | whether an instruction has trapped                                           |
    | `cause`      | why: 2 for an unknown function                                               |
    | `element`    | the number of the element: `row` times the side of all rows, plus `column`   |
    | `mask`       | the count of workers - 1                                                     |
    | `busy`       | whether the next loop belongs to the same instruction                        |
    | `computing`, `writing`, `judging` | what the next loop does; nothing of it: fetch           |
    | `modes`      | how it computes                                                              |
    | `row_inside` | in the loop that writes: whether the row of the element is one of the result |
    | `k`          | the index of a sum of products                                               |
    | `step`       | of a product the digit of the multiplier, else the number of the loop        |
    | `accumulator`, `low` | a sum, and the bits of it that have moved out to the right; a        |
    |              | remainder, and the bits that it is yet to get; digits of a multiplier        |
    | `shift`      | whether the sum moves by a digit before the next product                     |
    | `partial`    | the bits so far of a quotient or a root; what the digits multiply            |
    | `overflow`   | whether a bit of the quotient has left `partial`                             |
    | `place_x`, `place_y` | the addresses of the operands                                        |
    """

    pc: Word
    halted: Word
    trap: Word
    cause: Word
    element: Word
    mask: Word
    busy: Word
    computing: Word
    writing: Word
    judging: Word
    modes: Modes
    row_inside: Word
    k: Word
    step: Word
    accumulator: Word
    low: Word
    shift: Word
    partial: Word
    overflow: Word
    place_x: Word
    place_y: Word

    @property
    def column(self) -> Word:
        """The column of the element."""
        return self.element[: len(self.element) // 2]

    @property
    def row(self) -> Word:
        """The row of the element."""
        return self.element[len(self.element) // 2 :]

    @property
    def computes(self) -> Condition:
        """Whether this loop computes."""
        return literal(self.computing)

    @property
    def writes(self) -> Condition:
        """Whether this loop writes an element."""
        return literal(self.writing)

    @property
    def judges(self) -> Condition:
        """Whether this loop judges the branch."""
        return literal(self.judging)

    @property
    def fetches(self) -> Condition:
        """Whether this loop begins an element."""
        return ~self.computes & ~self.writes & ~self.judges & ~literal(self.halted)


def registers(m: Circuit, side_bits: int, length: Lengths) -> State:
    """The registers of a machine with rows of 2^side_bits words, and what holds between loops."""
    computing = m.register("computing", 1)
    state = State(
        pc=m.register("pc", m.address_bits + 1),
        halted=m.register("halted", 1),
        trap=m.register("trap", 1),
        cause=m.register("cause", 2),
        element=m.register("element", 2 * side_bits),
        mask=m.register("mask", 2 * side_bits),
        busy=m.register("busy", 1),
        computing=computing,
        writing=m.register("writing", 1),
        judging=m.register("judging", 1),
        modes=modes(m, computing),
        row_inside=m.register("row inside", 1),
        k=m.register("k", side_bits),
        step=m.register("step", length.step_bits),
        accumulator=m.register("accumulator", m.width + DIGIT + side_bits + 1),
        low=m.register("low", m.width),
        shift=m.register("shift", 1),
        partial=m.register("partial", m.width),
        overflow=m.register("overflow", 1),
        place_x=m.register("place of x", m.address_bits),
        place_y=m.register("place of y", m.address_bits),
    )
    _declare(m, state)
    return state


def _declare(m: Circuit, s: State) -> None:
    """What the host reads, and what holds between loops."""
    stages = s.computing, s.writing, s.judging
    kept = (*s.modes.words.values(), s.row_inside, s.k, s.step, s.accumulator, s.low)
    m.halts(s.halted)
    m.has_workers(s.element, s.mask)
    m.trap_port(s.trap, s.cause)
    m.multi_loop(s.busy, *stages, *kept, s.shift, s.partial, s.overflow, s.place_x, s.place_y)
    running = total(Word("stage", tuple(lane for word in stages for lane in word)))
    m.invariant("one stage at most", ~Condition(running, 2))
    m.invariant("no stage when halted", ~Condition(running + bit(s.halted[0]) * 3, 4))
    m.invariant("no instruction is unfinished when halted", ~(literal(s.busy) & literal(s.halted)))
    m.invariant("a shift in a product", ~(literal(s.shift) & ~s.modes["product"]))
    for i in range(1, len(s.mask)):
        below, here = literal(s.mask[i - 1 : i]), literal(s.mask[i : i + 1])
        m.invariant(f"below {i} a mask is full", below | ~here)
    for i in range(len(s.element)):
        element, mask = literal(s.element[i : i + 1]), literal(s.mask[i : i + 1])
        m.invariant(
            f"bit {i} of the element is that of the number between two instructions",
            ~element | mask | literal(s.busy),
        )
