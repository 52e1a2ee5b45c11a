"""Record: what one instruction leaves in the text, and the records of a reference run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from looped.reference import Reference
    from looped.trace import Step

__all__ = ["Kind", "Record", "record_of", "records"]


class Kind(StrEnum):
    """The three forms of a record: it writes a word, writes a byte of output, or takes input."""

    WRITE = "write"
    OUTPUT = "output"
    INPUT = "input"


@dataclass(frozen=True, slots=True)
class Record:
    """One instruction: the address and the value that it writes, and the next program counter.

    A record of output has the byte as its value and no address. `pc` is None if the program
    counter is negative, which halts the machine.
    """

    kind: Kind
    address: int | None
    value: int
    pc: int | None


def record_of(step: Step, width: int) -> Record:
    """The record of a step of the reference."""
    pc = None if step.next_pc >> (width - 1) else step.next_pc
    if step.emitted is not None:
        return Record(Kind.OUTPUT, None, step.emitted, pc)
    (write,) = step.writes
    kind = Kind.WRITE if step.consumed is None else Kind.INPUT
    return Record(kind, write.address, write.value, pc)


def records(reference: Reference) -> Iterator[Record]:
    """Run a reference interpreter until it halts; the record of each instruction."""
    while not reference.halted:
        yield record_of(reference.step(), reference.width)
