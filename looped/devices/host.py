"""Host: what serves a machine that has trapped, and Port: the words that it may read and set.

A machine without an input column traps to communicate. Between two loops its host then reads and
sets words of memory, of registers and of the CPU. It clears the trap if the machine must continue;
otherwise the machine stays halted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from looped.artefact.embedding import embed_words, read_word
from looped.artefact.plan import Plan
from looped.engines.engine import Engine
from looped.image import Regions

__all__ = ["POLL_INTERVAL", "ByteSource", "ColumnPort", "Host", "Port"]

POLL_INTERVAL = 64
"""Loops between two polls of the word at `poll_address`, counted from the first loop.

A poll reads a column of the engine and ends a stretch; a program that ends waits for the next poll.
Measured for RV32I with 1,024 words on the lifted engine, for intervals of 16, 64, 256 and 1,024:
97,000, 318,000, 672,000 and 986,000 instructions a second; on the event engine 42,000, 59,000,
63,000 and 72,000."""


class ByteSource(Protocol):
    """Where input comes from: any binary stream."""

    def read(self, count: int, /) -> bytes:
        """The next bytes, none at the end of the input; blocks until there are some."""


class Port(Protocol):
    """The words of one machine, by number or by name; values are unsigned."""

    @property
    def size(self) -> int:
        """The number of words of memory."""

    @property
    def regions(self) -> Regions:
        """The addresses of memory, on a machine whose addresses count bytes."""

    @property
    def executed(self) -> int:
        """The instructions of the program so far, the one that has trapped included."""

    def memory(self, index: int) -> int:
        """A word of memory."""

    def set_memory(self, index: int, value: int) -> None:
        """Change a word of memory."""

    def register(self, number: int) -> int:
        """A register of the register file."""

    def set_register(self, number: int, value: int) -> None:
        """Change a register of the register file."""

    def cpu(self, name: str) -> int:
        """A word of the CPU."""

    def set_cpu(self, name: str, value: int) -> None:
        """Change a word of the CPU."""


class Host(Protocol):
    """A device outside the transformer, with a state of its own, that serves one machine.

    `poll_address` is the index of the word of memory that is polled every POLL_INTERVAL loops, or
    None.
    """

    poll_address: int | None

    def serve(self, port: Port) -> bytes:
        """Serve a machine that has trapped, or whose word at `poll_address` is not zero.

        Returns the bytes of output.

        If the machine must continue, the host clears the trap and sets the program counter. If an
        exception ends a wait for input, the host has changed nothing.
        """

    def snapshot(self) -> dict[str, Any]:
        """Its state, as values that JSON can hold; the position in a stream is not part of it."""

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Continue from a snapshot.

        Raises KeyError, TypeError, AttributeError or ValueError for an invalid one.
        """


class ColumnPort:
    """The port of one stream of an engine: columns of its residual stream.

    `changes` lists the words of memory and registers that it has set, (column, value), in order.
    """

    def __init__(self, plan: Plan, engine: Engine, stream: int, executed: int = 0) -> None:
        self.plan = plan
        self.engine = engine
        self.stream = stream
        self.executed = executed
        self.regions = Regions.of(plan.parameters)
        self.changes: list[tuple[int, int]] = []

    @property
    def size(self) -> int:
        """The number of words of memory."""
        return self.plan.memory

    def memory(self, index: int) -> int:
        """A word of memory."""
        return self._read(index, "value")

    def set_memory(self, index: int, value: int) -> None:
        """Change a word of memory."""
        self.changes.append((index, value))
        self._write(index, "value", value)

    def register(self, number: int) -> int:
        """A register of the register file."""
        return self._read(self.plan.memory + number, "value")

    def set_register(self, number: int, value: int) -> None:
        """Change a register of the register file."""
        self.changes.append((self.plan.memory + number, value))
        self._write(self.plan.memory + number, "value", value)

    def cpu(self, name: str) -> int:
        """A word of the CPU."""
        return self._read(self.plan.cpu, name)

    def set_cpu(self, name: str, value: int) -> None:
        """Change a word of the CPU."""
        self._write(self.plan.cpu, name, value)

    def _lanes(self, word: str) -> npt.NDArray[np.intp]:
        return np.array(self.plan.words[word], np.intp)

    def _read(self, column: int, word: str) -> int:
        return int(read_word(self.engine.read(column, self._lanes(word))[self.stream]))

    def _write(self, column: int, word: str, value: int) -> None:
        lanes = self._lanes(word)
        self.engine.write(self.stream, column, lanes, embed_words(value, len(lanes)))
