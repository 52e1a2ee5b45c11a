"""The statements of a circuit: registers, reads, definitions, writes, invariants."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from looped.circuit.signals import Condition, Value
from looped.circuit.words import Lane, Word
from looped.number_format import UNSIGNED, NumberFormat

__all__ = ["Define", "Invariant", "Read", "Register", "WorkerRegisters", "Write"]


@dataclass(frozen=True, slots=True)
class Register:
    """A word of the CPU column that keeps its value from loop to loop.

    `word` holds its old value and `following` its new one, in the same lanes; without
    `following` the machine never changes it. `number` says what its bits stand for.
    """

    name: str
    word: Word
    following: Word | None
    where: str
    number: NumberFormat = UNSIGNED


@dataclass(frozen=True, slots=True)
class Read:
    """A head that copies the word at `address + offset` from a memory column to the CPU column.

    The head copies the bits from `first` on, as many as `result` has. Where the bit `when` is not
    set it reads zeros, whatever the address.

    Only the low bits of the address count, as many as memory or register file need; a shorter
    address is an unsigned number. With `in_registers` the column is one of the register file. Where
    the bit `port` is set, the address names a device column instead: all ones (the input) or all
    zeros (the CPU, where the word is zero). `fuse_reads` sets `onto`: the head adds to that word
    and ends its live range; the two words may not have a one in the same place. If `negated` the
    head subtracts: `onto` must have a one wherever the word that it reads has one.
    """

    name: str
    address: Word
    offset: int
    port: Word | None
    result: Word
    where: str
    in_registers: bool = False
    onto: Word | None = None
    negated: bool = False
    first: int = 0
    when: Word | None = None

    def lanes(self) -> Iterator[Lane]:
        """The CPU lanes that it depends on, except those of `onto`."""
        yield from self.address
        yield from self.port or ()
        yield from self.when or ()


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

    Where the bit `in_registers` is set, the address is that of a register. There is no write to a
    register that does not exist, nor where the bit `when` is not set. One block does all writes,
    after every read. Two writes may not hit the same column in one loop, and no write may hit the
    zero register.
    """

    name: str
    address: Word
    value: Word
    where: str
    in_registers: Word | None = None
    when: Word | None = None

    def lanes(self) -> Iterator[Lane]:
        """The CPU lanes that it depends on."""
        yield from self.address
        yield from self.value
        yield from self.in_registers or ()
        yield from self.when or ()


@dataclass(frozen=True, slots=True)
class WorkerRegisters:
    """The registers in which workers find their number and their count.

    `number` begins as the number of the worker, `mask` always is their count - 1.
    """

    number: Word
    mask: Word
    where: str


@dataclass(frozen=True, slots=True)
class Invariant:
    """A condition on lanes of registers that holds between two loops of every program."""

    name: str
    condition: Condition
    where: str
