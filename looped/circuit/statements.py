"""The statements of a circuit: registers, reads, definitions, writes, invariants."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from looped.circuit.signals import Condition, Value
from looped.circuit.words import Lane, Word

__all__ = ["Define", "Invariant", "Read", "Register", "Write"]


@dataclass(frozen=True, slots=True)
class Register:
    """A word of the CPU column that lives from loop to loop.

    `word` holds its old value and `following` its new one, in the same lanes; without
    `following` the machine never changes it.
    """

    name: str
    word: Word
    following: Word | None
    where: str


@dataclass(frozen=True, slots=True)
class Read:
    """A head that copies the word at `address + offset` from a memory column to the CPU column.

    Only the low bits of the address count, as many as memory or file has; a shorter one is an
    unsigned number. Where the bit `port` is set, the address names a device column instead: it must
    be all ones then (the input) or all zeros (the CPU, where the word is zero). A read of the
    `file` copies a register. `fuse_reads` sets `onto`: the head adds to that word, which then
    exists no more; in no place may both have a one. If `negated` it subtracts: wherever the word
    that is read has a one, `onto` must have one too.
    """

    name: str
    address: Word
    offset: int
    port: Word | None
    result: Word
    where: str
    file: bool = False
    onto: Word | None = None
    negated: bool = False

    def lanes(self) -> Iterator[Lane]:
        """The CPU lanes that it depends on, those of `onto` left out."""
        yield from self.address
        yield from self.port or ()


@dataclass(frozen=True, slots=True)
class Define:
    """An MLP that puts a value into the lanes of `target`."""

    name: str
    target: Word
    value: Value
    where: str


@dataclass(frozen=True, slots=True)
class Write:
    """Two heads that replace the word in the memory column at `address` by `value`.

    Where the bit `file` is set, the address is that of a register; nothing is written if there is
    no such register, or where the bit `when` is not set. All writes of a circuit are done in one
    block, after every read. No two of them may hit one column in one loop, and none a register 0
    that is zero for good.
    """

    name: str
    address: Word
    value: Word
    where: str
    file: Word | None = None
    when: Word | None = None

    def lanes(self) -> Iterator[Lane]:
        """The CPU lanes that it depends on."""
        yield from self.address
        yield from self.value
        yield from self.file or ()
        yield from self.when or ()


@dataclass(frozen=True, slots=True)
class Invariant:
    """What holds between two loops whatever a program does: a condition on lanes of registers."""

    name: str
    condition: Condition
    where: str
