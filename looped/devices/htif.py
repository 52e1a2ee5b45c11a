"""The host-target interface: a program ends by writing to the word `tohost`, as official tests do.

An odd number ends it with the status number >> 1: 1 is a test that has passed, 2n + 1 one whose
case n has failed. Other numbers are requests that nobody serves. The machine knows nothing of it:
the host reads the word every POLL_INTERVAL loops, while the program waits in a loop of its own.
Then it raises the trap of an environment call, and the machine stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from looped.devices.csr import ControlRegisters
from looped.devices.host import Port

__all__ = ["Htif"]

_ECALL = 11


class Htif:
    """A host that reads `tohost`, the index of a word of memory, and leaves traps to another.

    `status` is what the program has written there to end, None before it has.
    """

    def __init__(self, tohost: int, inner: ControlRegisters) -> None:
        self.poll_address: int | None = tohost
        self.inner = inner
        self.status: int | None = None

    @property
    def exit_code(self) -> int | None:
        """The exit status of the program, None before it has one; 0 only if the program wrote 0."""
        if self.status is None:
            return self.inner.exit_code
        return self.status & 0xFF or int(self.status > 0)

    @property
    def emulated(self) -> int:
        """How many instructions the other host has executed."""
        return self.inner.emulated

    def serve(self, port: Port) -> bytes:
        """Take what was written to `tohost`, or let a trap be served."""
        if port.cpu("trap"):
            return self.inner.serve(port)
        assert self.poll_address is not None
        number = port.memory(self.poll_address)
        if number & 1:
            self.status = number >> 1
        port.set_cpu("trap", 1)
        port.set_cpu("cause", _ECALL)
        return b""

    def snapshot(self) -> dict[str, Any]:
        """The state of both hosts, as what JSON can hold."""
        return {"status": self.status, "inner": self.inner.snapshot()}

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Continue from such a state. Raises ValueError for an invalid one."""
        status = snapshot["status"]
        self.status = None if status is None else int(status)
        self.inner.restore(snapshot["inner"])
