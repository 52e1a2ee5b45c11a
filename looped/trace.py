"""Step and Trace: what every executor reports of a run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Access", "Step", "Trace"]


@dataclass(frozen=True, slots=True)
class Access:
    """One memory word that was read or written: which one, and its (unsigned) value.

    Words are counted from zero, whatever the machine's addresses count. A register is accessed
    by its number.
    """

    address: int
    value: int


@dataclass(frozen=True, slots=True)
class Step:
    """One retired instruction.

    `pc` and `next_pc` are unsigned words; `reads` and `writes` list data accesses in the order
    in which they happened (operand fetches are not data accesses). `consumed` is the word that
    was taken from the input (all ones at its end), `emitted` the byte of output.
    `registers` are the registers that were written, on a machine that has any. With a `cause` the
    machine has trapped; `written` is what its host wrote to the output when it served the trap.
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
    def output(self) -> bytes:
        """The output, of the machine or of its host."""
        return self.written if self.emitted is None else bytes([self.emitted])


@dataclass(frozen=True, slots=True)
class Trace:
    """The steps of a run in order, and whether the machine had halted after the last."""

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
