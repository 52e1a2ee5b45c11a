"""Ports: the words of the CPU column through which a machine communicates with its host."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["InputPort", "OutputPort", "Ports", "PrintPort", "TrapPort"]


@dataclass(frozen=True, slots=True)
class InputPort:
    """Input, one byte at a time, as the value of the input column; all ones at the end of input.

    The host sets the pin `ready` when it has put a byte there. A loop that takes the byte sets
    `taken`. A loop that needs a byte while there is none sets `waiting`.
    """

    ready: str
    taken: str
    waiting: str


@dataclass(frozen=True, slots=True)
class OutputPort:
    """Output, one byte at a time: `content` after a loop that sets `when`, zero after others."""

    content: str
    when: str


@dataclass(frozen=True, slots=True)
class PrintPort:
    """Output, one number at a time: `content` after a loop that sets `when`, zero after others.

    The format of the word `content` says which number it is, and a device writes it as text.
    `ends_line` says that the number is the last one of its line; it is never set without `when`.
    Of a machine with workers each prints its own number: after a loop that sets `when` in the first
    CPU column, the host reads all of them in order, and prints where `when` is set.
    """

    content: str
    when: str
    ends_line: str


@dataclass(frozen=True, slots=True)
class TrapPort:
    """Traps: a machine that sets `trap` halts, and its host finds the reason in `cause`."""

    trap: str
    cause: str


@dataclass(frozen=True, slots=True)
class Ports:
    """The ports of a machine, each with the names of its words; None if it lacks a port.

    A machine has only one of `output` and `print`.
    """

    input: InputPort | None = None
    output: OutputPort | None = None
    print: PrintPort | None = None
    trap: TrapPort | None = None

    def flags(self) -> Iterator[str]:
        """The names of all words of one bit."""
        if self.input is not None:
            yield from (self.input.ready, self.input.taken, self.input.waiting)
        if self.output is not None:
            yield self.output.when
        if self.print is not None:
            yield from (self.print.when, self.print.ends_line)
        if self.trap is not None:
            yield self.trap.trap

    def words(self) -> Iterator[str]:
        """The names of all words."""
        yield from self.flags()
        if self.output is not None:
            yield self.output.content
        if self.print is not None:
            yield self.print.content
        if self.trap is not None:
            yield self.trap.cause
