"""Host: who serves a machine that has trapped, and what it may touch: words, between two loops.

A machine without an input column talks to the outside by trapping. Its host then looks at words of
memory, of registers and of the CPU, sets some, and clears the trap, or leaves the machine as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from looped.artefact.embedding import embed_words, read_word
from looped.artefact.plan import Plan
from looped.engines.engine import Engine

__all__ = ["POLL_INTERVAL", "ByteSource", "ColumnPort", "Host", "Port"]

POLL_INTERVAL = 64
"""Loops from one look at the word at `poll_address` to the next, counted from the first one on."""


class ByteSource(Protocol):
    """Where input comes from: any binary stream."""

    def read(self, count: int, /) -> bytes:
        """The next bytes, none at the end; blocks until they are there."""


class Port(Protocol):
    """The words of one machine, by number or by name; values are unsigned."""

    @property
    def size(self) -> int:
        """The number of words of memory."""

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
    """A device outside the transformer, with a state of its own; it serves one machine.

    `poll_address` is the index of a word of memory that it looks at every POLL_INTERVAL loops, or
    None.
    """

    poll_address: int | None

    def serve(self, port: Port) -> bytes:
        """Do what a machine asks for that has trapped, or whose word at `poll_address` is not zero;
        returns the bytes that it writes.

        If the machine shall continue, the trap is cleared and the program counter set. Nothing has
        changed if waiting for input is ended by an exception.
        """

    def snapshot(self) -> dict[str, Any]:
        """Its state, as JSON; the position of the input is not part of it."""

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Continue from such a state. Raises ValueError for anything else."""


class ColumnPort:
    """The port of one stream of an engine: columns of its residual stream.

    `changes` are the words of memory and of registers that were set, (column, value), in order.
    """

    def __init__(self, plan: Plan, engine: Engine, stream: int) -> None:
        self.plan = plan
        self.engine = engine
        self.stream = stream
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
