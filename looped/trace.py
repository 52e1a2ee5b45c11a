"""Step and Trace: what the reference and every engine report of a run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Access", "Printed", "Step", "Trace"]


@dataclass(frozen=True, slots=True)
class Access:
    """An access to a word of memory or to a register, with its unsigned value.

    `address` is the index of the word, counted from zero even if the machine addresses bytes, or
    the number of the register.
    """

    address: int
    value: int


@dataclass(frozen=True, slots=True)
class Printed:
    """A word that a machine prints, as its unsigned value, and whether it is the last of a line."""

    word: int
    ends_line: bool


@dataclass(frozen=True, slots=True)
class Step:
    """One retired instruction.

    `pc` and `next_pc` are unsigned words. `reads` and `writes` list data accesses in their order;
    instruction fetches are not data accesses. `consumed` is the word that the instruction took from
    the input (all ones at its end), `emitted` the byte that it wrote. `registers` are the registers
    that it wrote, on a machine with a register file. If `cause` is not None, the machine has
    trapped. `written` is the text that devices wrote: the numbers that the machine printed, then
    the output of its host for a trap.
    """

    pc: int
    next_pc: int
    reads: tuple[Access, ...] = ()
    writes: tuple[Access, ...] = ()
    consumed: int | None = None
    emitted: int | None = None
    registers: tuple[Access, ...] = ()
    cause: int | None = None
    written: bytes = b""

    @property
    def uses_port(self) -> bool:
        """Whether the machine took a word of the input or wrote a byte."""
        return self.consumed is not None or self.emitted is not None

    @property
    def output(self) -> bytes:
        """The output of the machine or of its host."""
        return self.written if self.emitted is None else bytes([self.emitted])


@dataclass(frozen=True, slots=True)
class Trace:
    """The steps of a run in order, and whether the machine has halted after the last one."""

    steps: tuple[Step, ...]
    halted: bool

    def __len__(self) -> int:
        return len(self.steps)

    def __iter__(self) -> Iterator[Step]:
        return iter(self.steps)

    @property
    def output(self) -> bytes:
        """The output, in order."""
        return b"".join(step.output for step in self.steps)
