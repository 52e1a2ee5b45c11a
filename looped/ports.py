"""Ports: the words of the CPU column by which a machine talks to what lies outside of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["InputPort", "OutputPort", "Ports", "TrapPort"]


@dataclass(frozen=True, slots=True)
class InputPort:
    """A byte at a time, in the value of the input column; all ones at the end of the input.

    The host sets the pin `ready` when the byte is there. A loop that takes it raises `taken`, a
    loop that stalls for want of one `waiting`.
    """

    ready: str
    taken: str
    waiting: str


@dataclass(frozen=True, slots=True)
class OutputPort:
    """A byte at a time: `content`, in every loop that raises `when`; it is zero in all others."""

    content: str
    when: str


@dataclass(frozen=True, slots=True)
class TrapPort:
    """A machine that raises `trap` halts for its host, which finds the reason in `cause`."""

    trap: str
    cause: str


@dataclass(frozen=True, slots=True)
class Ports:
    """The ports of a machine, by the names of its words; None for what it lacks."""

    input: InputPort | None = None
    output: OutputPort | None = None
    trap: TrapPort | None = None

    def flags(self) -> Iterator[str]:
        """The words of one bit."""
        if self.input is not None:
            yield from (self.input.ready, self.input.taken, self.input.waiting)
        if self.output is not None:
            yield self.output.when
        if self.trap is not None:
            yield self.trap.trap

    def words(self) -> Iterator[str]:
        """All words."""
        yield from self.flags()
        if self.output is not None:
            yield self.output.content
        if self.trap is not None:
            yield self.trap.cause
