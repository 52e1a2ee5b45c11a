"""The sequence of four loops: an atomic instruction, a control register, the way to a handler.

| loop    | atomic                     | control register   | timer's word    | handler         |
|---------|----------------------------|--------------------|-----------------|-----------------|
| first   | probe the address: `old`   | read it: `old`     | find it is one  | mepc := pc      |
| compute | `new` := old op x[rs2]     | `new` := old op x  | read: old, new  | mcause := cause |
| change  | memory := `new`            | register := `new`  | word := `new`   | mtval := address|
| deliver | rd := `old`                | rd := `old`        | rd := `old`     | pc := mtvec     |

For LR.W, `new` is the address, and goes to the reservation. For SC.W, the second loop compares the
address with the reservation; `new` is x[rs2], and `old` says whether the instruction fails. All
instructions of these kinds take four loops; a word of the timer takes one more, in which its
address turns out to be one, and so does a handler, in which the trap occurs.
"""

from __future__ import annotations

from dataclasses import dataclass

from looped.circuit.arithmetic import all_ones, matches
from looped.circuit.circuit import Circuit
from looped.circuit.signals import (
    Condition,
    Value,
    any_of_disjoint,
    disjoint_or,
    literal,
)
from looped.circuit.words import Word, total
from looped.isa.rv32ima import ATOMIC, CONTROL, FILED
from looped.machines.rv32i.core import Fetched
from looped.machines.rv32i.decode import any_set
from looped.machines.rv32i.patterns import any_match, exactly, joined, match
from looped.machines.rv32ima.state import State

__all__ = [
    "COMPARING",
    "CSR",
    "MODIFYING",
    "Sequence",
    "changes",
    "decode_sequence",
    "locating",
    "numbered",
]

MODIFYING = tuple(name for name in ATOMIC if name.startswith("amo"))
"""Instructions that read a word of memory and write it."""

CSR = ("csrrw", "csrrs", "csrrc", "csrrwi", "csrrsi", "csrrci")

COMPARING = ("amomin.w", "amomax.w", "amominu.w", "amomaxu.w")
"""Those whose result is one of two words."""


@dataclass(frozen=True, slots=True)
class Sequence:
    """What this loop does, as bits.

    | word           | content                                                           |
    |----------------|-------------------------------------------------------------------|
    | `sets_out`     | the first loop of the way to a handler                            |
    | `probe`        | the first loop of an atomic instruction                           |
    | `asks`         | the first loop of a control register, if it exists                |
    | `returns`      | MRET                                                              |
    | `vectors`      | MRET, or the last loop of the way to a handler                    |
    | `computes`     | the second loop, with a result for `new`                          |
    | `compares`     | the second loop of SC.W                                           |
    | `reserves`     | the second loop of LR.W                                           |
    | `locates`      | the loop that writes mtval, if the cause is an access             |
    | `puts`         | the third loop, if it writes to memory                            |
    | `files`        | the third loop, if it writes to the register file                 |
    | `stores`       | an atomic instruction other than LR.W probes its address          |
    """

    sets_out: Word
    probe: Word
    asks: Word
    returns: Word
    vectors: Word
    computes: Word
    compares: Word
    reserves: Word
    locates: Word
    puts: Word
    files: Word
    stores: Word


def decode_sequence(m: Circuit, f: Fetched, state: State) -> Sequence:
    """Decode `Sequence` from the instruction and the registers.

    The last loop decodes nothing: the instruction may have changed its own word.
    """
    w, instruction, trapped = state.working, f.instruction, f.trapped
    entering = literal(state.entering)
    first, second, third = begins(trapped, state), in_second(state), in_third(state)

    def some(name: str, mnemonics: tuple[str, ...], also: Condition) -> Word:
        return m.let(f"sequence {name}", any_match(instruction, exactly(*mnemonics), also))

    returns = match(instruction, exactly("mret")[0]) & first
    computing = (name for name in (*MODIFYING, "lr.w", *CSR) if name not in COMPARING)
    return Sequence(
        sets_out=m.let("sequence sets out", entering & w.fresh),
        probe=some("probe", (*ATOMIC,), first),
        asks=_asks(m, instruction, first),
        returns=m.let("sequence returns", returns),
        vectors=m.let(
            "sequence vectors", any_of_disjoint([returns, entering & literal(w.deliver)])
        ),
        computes=some("computes", (*computing,), second),
        compares=some("compares", ("sc.w",), second),
        reserves=some("reserves", ("lr.w",), second),
        locates=m.let("sequence locates", locating(f.cause, state)),
        puts=m.let("sequence puts", third & literal(w.puts)),
        files=m.let("sequence files", _files(instruction, third)),
        stores=some("stores", (*MODIFYING, "sc.w"), first),
    )


def begins(trapped: Word, state: State) -> Condition:
    """Whether a loop is the first one of an instruction."""
    return ~any_set(trapped, state.entering, state.working.continuing)


def in_second(state: State) -> Condition:
    """Whether a loop is the second one of an atomic or control register instruction."""
    w = state.working
    return literal(w.compute) & ~any_set(state.entering, w.timed)


def in_third(state: State) -> Condition:
    """Whether a loop is the third one of an atomic or control register instruction."""
    w = state.working
    return literal(w.change) & ~any_set(state.entering, w.timed, w.compute)


def locating(cause: Word, state: State) -> Condition:
    """Whether the third loop of the way to a handler computes the address of an access: the cause
    is 4 to 7, not of an interrupt."""
    third = literal(state.entering) & literal(state.working.change) & ~literal(state.interrupt)
    return third & literal(cause[2:3]) & ~literal(cause[3:4])


def changes(instruction: Word) -> list[Condition]:
    """Conditions of which one holds if a control register instruction writes: CSRRW, and CSRRS and
    CSRRC unless their operand is x0 or the number 0."""
    writes = literal(instruction[12:13]) & ~literal(instruction[13:14])
    return [writes, literal(instruction[13:14]) & Condition(total(instruction[15:20]), 1)]


def numbered(instruction: Word, *numbers: int) -> list[Condition]:
    """Conditions of which one holds if bits 20 to 31 of an instruction are one of some numbers."""
    patterns = joined((0xFFF00000, number << 20) for number in numbers)
    return [match(instruction, pattern) for pattern in patterns]


def _asks(m: Circuit, instruction: Word, first: Condition) -> Word:
    """Whether a control register that exists is read, and not written if it cannot be."""
    asks = m.let("control register", any_match(instruction, exactly(*CSR), first))
    exists = m.let("exists", any_of_disjoint(numbered(instruction, *CONTROL)))
    fixed = all_ones(instruction[30:32])
    refused = m.let("refused", any_of_disjoint(fixed & each for each in changes(instruction)))
    return m.let("sequence asks", literal(asks) & literal(exists) & ~literal(refused))


def _files(instruction: Word, third: Condition) -> Value:
    """LR.W, and a change of a control register that is a word of the register file."""
    system = matches(instruction, 0x7F, 0x73) & third
    words = [
        system & number & change
        for number in numbered(instruction, *FILED)
        for change in changes(instruction)
    ]
    return disjoint_or(any_match(instruction, exactly("lr.w"), third), any_of_disjoint(words))
