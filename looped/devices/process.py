"""Process: what system calls and semihosting know of one program, whichever it uses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from looped.devices.descriptors import Descriptors
from looped.devices.folder import Folder
from looped.devices.host import ByteSource, Port
from looped.environment import USUAL, Environment

__all__ = ["TICKS", "Process", "microseconds"]

TICKS = 1_000_000
"""Ticks a second of the clock, which are instructions: a run reads the same time everywhere."""


def microseconds(port: Port) -> int:
    """The time since 1970 that a program reads: the instructions before the one that asks."""
    return (port.executed - 1) * 1_000_000 // TICKS


class Process:
    """A program with an input and a heap that begins at byte address `heap`.

    `end` is the end of the heap, `exit_code` the exit status, None before there is one, and `errno`
    the number of the last error.
    """

    def __init__(
        self, source: bytes | ByteSource, heap: int, environment: Environment = USUAL
    ) -> None:
        self.descriptors = Descriptors(source, Folder(environment.files))
        self.arguments = environment.arguments
        self.start = self.end = heap
        self.exit_code: int | None = None
        self.errno = 0

    def exit(self, status: int) -> None:
        """End the program with the lowest 8 bits of a status."""
        self.exit_code = status & 0xFF

    def snapshot(self) -> dict[str, Any]:
        """Its state, as values that JSON can hold; the position is that in an input of bytes."""
        return {
            "position": self.descriptors.position,
            "end": self.end,
            "exit_code": self.exit_code,
            "errno": self.errno,
            "descriptors": self.descriptors.snapshot(),
        }

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Continue from a snapshot; a stream must be at its position already.

        Raises KeyError, TypeError, AttributeError or ValueError for an invalid snapshot.
        """
        self.descriptors.position, self.end = int(snapshot["position"]), int(snapshot["end"])
        code = snapshot["exit_code"]
        self.exit_code = None if code is None else int(code) & 0xFF
        self.errno = int(snapshot["errno"])
        self.descriptors.restore(snapshot["descriptors"])
