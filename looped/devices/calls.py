"""Calls: all that a program can ask of its host, by ECALL and by semihosting."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from looped.devices.host import ByteSource, Port
from looped.devices.process import Process
from looped.devices.semihosting import Semihosting, is_semihosting
from looped.devices.syscalls import Syscalls
from looped.environment import USUAL, Environment

__all__ = ["Calls"]


class Calls:
    """A host of one process, whose heap begins at byte address `heap`.

    System calls and semihosting share its open files, its clock and its exit status.
    """

    poll_address: int | None = None

    def __init__(
        self, source: bytes | ByteSource, heap: int, environment: Environment = USUAL
    ) -> None:
        self.process = Process(source, heap, environment)
        self.system = Syscalls(self.process)
        self.semihosting = Semihosting(self.process)

    @property
    def exit_code(self) -> int | None:
        """The exit status of the program, None before it has one."""
        return self.process.exit_code

    def serve(self, port: Port) -> bytes:
        """Serve an ECALL or a semihosting call; returns the bytes of output."""
        return self.semihosting.serve(port) if is_semihosting(port) else self.system.serve(port)

    def snapshot(self) -> dict[str, Any]:
        """The state of the process, as values that JSON can hold."""
        return self.process.snapshot()

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Continue from a snapshot. Raises as `Process.restore` does for an invalid one."""
        self.process.restore(snapshot)
